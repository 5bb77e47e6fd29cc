//! Wire formats: how commands, events, outcomes and read models are encoded.
//!
//! * [`command`] and [`event`]: entries of the Redis streams. Plain fields that `redis-cli` prints, and a
//!   MessagePack body with field names. The JSON of a request is beside its command;
//! * [`outcome`]: the result of a command, as it is stored and sent back to the ingress;
//! * [`snapshot`]: the state of an auction at one version, so that its events need not be folded again;
//! * [`api`], [`account`] and [`view`]: the other JSON of the HTTP API;
//! * [`money`]: amounts in the form that people read;
//! * [`notification`]: the JSON of notifications;
//! * [`webhook`]: the JSON of webhooks and their deliveries;
//! * [`operator_api`]: the JSON of the operator endpoints;
//! * [`partition`]: the mapping of aggregates to partitions;
//! * [`positions`]: positions by partition, which clients hold as a consistency token;
//! * [`alias`]: the pseudonym under which other users see a bidder.
//!
//! Programs in other languages can read every format: UUIDs are text, times are milliseconds since 1970 or
//! RFC 3339 text, amounts are whole minor units.

pub mod account;
pub mod actor;
pub mod alias;
pub mod api;
pub mod body;
pub mod command;
mod draw;
pub mod event;
mod fields;
#[cfg(test)]
mod golden;
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
