//! Ordered work on Redis Streams consumer groups, on stock Redis 7.0. Knows nothing of auctions.
//!
//! [`GroupConsumer`] reads the streams of one lane as one consumer of a group, and keeps two promises
//! that `XREADGROUP` alone does not:
//!
//! * **nothing is overtaken**: whatever was delivered earlier, to this consumer or to any other, and not
//!   acknowledged, is handed out before anything newer of the same stream;
//! * **the first streams come first**: entries of the streams named as `first` that were added before an
//!   entry of another stream are handed out before it.
//!
//! An entry that ends one process after another is told from its neighbours ([`crash_tracking`]).
//!
//! Any error ends the consumer: drop it and open another, under a fresh name. A connection that lost
//! an answer may have had entries delivered to it that it never saw; a fresh consumer claims them.
//!
//! [`leases::share`] shares the lanes out among any number of processes, and moves them when one comes or
//! goes. Leases are for speed alone: whoever works under one must be safe without it.
//!
//! [`trim::trim`] takes old entries away, and never one that somebody still needs.
//!
//! [`chance`] is where names and jitter come from, and can be given a seed.
//!
//! [`retry::Retry`] says how long to wait before the next attempt. The rest is the raw protocol:
//! [`entry`] and [`value`].

#![warn(missing_docs)]

pub mod connection;
pub mod consumer;
pub mod crash_tracking;
pub mod entry;
mod frame;
pub mod leases;
mod linger;
pub mod trim;
pub mod value;

pub use connection::{Connect, DedicatedConnection, Socket};
pub use consumer::{ConsumerOptions, EntryBatch, GroupConsumer};
pub use crash_tracking::CrashTrackingOptions;
pub use entry::{Entry, EntryId};
pub use worker_runtime::{Retry, entropy, retry, shutdown};

use thiserror::Error;

/// What goes wrong between a worker and Redis. That it was Redis, and which, is for those to say who know it.
#[derive(Debug, Error)]
pub enum StreamError {
    /// The server is not there, did not answer, or refused.
    #[error(transparent)]
    Redis(#[from] redis::RedisError),
    /// The connection could not be made, or was lost.
    #[error(transparent)]
    Connection(#[from] std::io::Error),
    /// The server answered something that the protocol does not have.
    #[error("{command} was answered with {got}")]
    Unexpected {
        /// What was asked.
        command: &'static str,
        /// What came, shortened.
        got: String,
    },
}

impl StreamError {
    /// The server answered that.
    pub fn unexpected(command: &'static str, got: &redis::Value) -> StreamError {
        let mut got = format!("{got:?}");
        let end = got.char_indices().nth(200).map_or(got.len(), |(at, _)| at);
        got.truncate(end);
        StreamError::Unexpected { command, got }
    }
}
