//! Business rules of the auction portal.
//!
//! The crate does no I/O and has no clock, no async code and no serialization: time is an argument, and
//! `auction-wire` encodes what is stored or sent. There are four aggregates: [`user::User`],
//! [`auction::Auction`], [`promoter::PromoterSettings`] and [`user_bar::UserBar`]. Each has the same two functions:
//!
//! * `decide(state, command, at)` returns the events that the command causes, or the reason it is refused;
//! * `apply(state, event)` applies one event to the state and never fails.
//!
//! Each command has a file of its own with its refusals, its decision and its tests. A new command needs such
//! a file and a variant of [`auction::AuctionCommand`] or [`user::UserCommand`].

pub mod actor;
pub mod auction;
pub mod detail;
pub mod ids;
pub mod money;
pub mod promoter;
pub mod refusal;
pub mod text;
pub mod time;
pub mod user;
pub mod user_bar;

pub use actor::{Actor, OperatorId};
pub use auction::Reason;
pub use detail::{Detail, Details};
pub use ids::{AuctionId, BidId, UserId};
pub use money::{Amount, Currency};
pub use refusal::{Refusal, RefusalClass, RefusalInfo, RefusalType};
pub use text::{Description, PromoterOptions, Title};
pub use time::{DurationMs, Timestamp};
