//! Building blocks of long-running tasks. Does not depend on a Redis or Postgres client.
//!
//! * [`shutdown`]: a signal that asks tasks to stop;
//! * [`retry`]: exponential backoff with jitter, without a limit of attempts;
//! * [`supervisor`]: the loop "attempt, on an error report it, wait and retry, until shutdown";
//! * [`connection_cutoff`]: which connections are too old to be used again;
//! * [`health`]: the status of each part of a process, for operators;
//! * [`entropy`]: random numbers and a clock that a simulation can seed;
//! * [`entry_id`]: ids of log entries.

#![warn(missing_docs)]

pub mod connection_cutoff;
pub mod entropy;
pub mod entry_id;
pub mod health;
pub mod panic;
pub mod retry;
pub mod shutdown;
pub mod supervisor;

pub use connection_cutoff::ConnectionCutoff;
pub use entry_id::{EntryId, ParseEntryIdError};
pub use panic::panic_message;
pub use retry::Retry;
pub use supervisor::Supervisor;
