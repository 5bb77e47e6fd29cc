//! Building blocks of every long-running task. Depends on no Redis and no Postgres client.
//!
//! * [`shutdown`]: a signal that asks tasks to finish;
//! * [`retry`]: exponential backoff with jitter, without end;
//! * [`health`]: what a process reports to operators;
//! * [`entropy`]: names, jitter and clocks that a simulation can seed;
//! * [`entry_id`]: identifiers of log entries.

#![warn(missing_docs)]

pub mod entropy;
pub mod entry_id;
pub mod health;
pub mod retry;
pub mod shutdown;

pub use entry_id::{EntryId, ParseEntryIdError};
pub use retry::Retry;
