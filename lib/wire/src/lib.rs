//! How commands, events, outcomes and views are written down.
//!
//! * [`command`] and [`event`]: what travels on the Redis streams, as plain fields that `redis-cli`
//!   shows, and a MessagePack body with field names;
//! * [`outcome`]: what became of a command, as it is stored and sent back;
//! * [`snapshot`]: the state of an auction, so that its events need not be folded anew;
//! * [`api`] and [`view`]: the JSON of the REST ingress;
//! * [`money`]: amounts as people read them;
//! * [`notification`]: what users are told, as JSON;
//! * [`webhook`]: where users are told by HTTP, and what was sent there, as JSON;
//! * [`operator_api`]: what operators see, as JSON;
//! * [`partition`]: which partition an aggregate lives in;
//! * [`positions`]: how far things are, as the token that clients hold;
//! * [`alias`]: how a bidder is shown to others.
//!
//! Everything here can be read by another language: UUIDs are text, times are milliseconds since 1970 or
//! RFC 3339 text, amounts are whole minor units.

pub mod account;
pub mod alias;
pub mod api;
pub mod body;
pub mod command;
mod draw;
mod draw_option;
pub mod event;
mod fields;
pub mod money;
pub mod notification;
pub mod operator_api;
pub mod outcome;
pub mod partition;
pub mod positions;
pub mod snapshot;
mod text_id;
pub mod time;
pub mod view;
pub mod webhook;

pub use command::{Channel, Command, CommandBody, CommandHeader, CommandId};
pub use event::{Event, EventRecord};
pub use fields::{DecodeError, RawFields};
pub use outcome::{Outcome, OutcomeDetail, OutcomeResult};
pub use partition::{PartitionCount, PartitionId};
pub use positions::Positions;
pub use snapshot::SnapshotRecord;
