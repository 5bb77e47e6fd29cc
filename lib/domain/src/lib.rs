//! The rules of the auction portal, and nothing else.
//!
//! No I/O, no async, no clock and no serialisation: time is an argument, and whatever has to be stored
//! or sent is turned into bytes elsewhere. Three aggregates live here, [`user::User`],
//! [`auction::Auction`] and the [`promoter`]'s settings. Each follows the same two functions:
//!
//! * `decide(state, command, at)` returns the events that the command causes, or says why it is refused;
//! * `apply(state, event)` folds one event into the state and never fails.
//!
//! Every command is one file: its refusals, its decision and its tests. A new command is one such file
//! and one line in [`auction::AuctionCommand`] or its like.

pub mod actor;
pub mod auction;
pub mod detail;
pub mod ids;
pub mod money;
pub mod promoter;
pub mod text;
pub mod time;
pub mod user;

pub use actor::{Actor, OperatorId};
pub use detail::{Detail, Details, Refused, RefusedClass};
pub use ids::{AuctionId, BidId, UserId};
pub use money::{Amount, Currency};
pub use text::{Description, PromoterOptions, Reason, Title};
pub use time::{DurationMs, Timestamp};
