//! Ordered, leased work on Redis Streams consumer groups. Needs Redis 7.0 without modules.
//!
//! `XREADGROUP` delivers entries and records who has them. It does not keep order when a consumer crashes or
//! pauses, does not distribute streams evenly, and loses track of entries delivered on a connection that
//! broke. This crate adds:
//!
//! * [`GroupConsumer`]: reads the streams of one *partition* (a stream set with one hash slot) in order;
//! * [`leases::run`]: distributes partitions evenly among any number of processes;
//! * [`crash_tracking`]: finds entries that crash one process after another;
//! * [`trim`](mod@trim): removes old entries, but none that a group still needs;
//! * [`DedicatedConnection`]: a connection with a single owner, for blocking reads and `WATCH`;
//! * [`Retry`] and [`shutdown`]: backoff with jitter, and signals that ask tasks to stop;
//! * [`entry`] and [`value`]: decoding of raw replies.
//!
//! # Guarantees
//!
//! * **At-least-once delivery.** An entry is delivered until it is acknowledged, whichever process crashes.
//!   (With [`ConsumerOptions::ack_required`] switched off: at most once.)
//! * **Order.** Entries that were delivered earlier, to this consumer or any other, and are not acknowledged
//!   are delivered before newer entries of the same stream.
//! * **Priority.** Entries of the priority streams are delivered before entries of the other streams that
//!   were added later.
//! * **Balance.** Each process holds an equal share of the leases, to within one. The partitions of a killed
//!   process move to others within [`leases::LeaseOptions::lease_ttl`].
//!
//! A lease is **not a fence**: a paused process can resume after its lease has moved. Work must be
//! idempotent, or guarded by an optimistic version.
//!
//! # Errors
//!
//! Every function returns [`StreamError`]. After any error, drop the [`GroupConsumer`] or
//! [`DedicatedConnection`] and open a new one: entries may have been delivered in a reply that was lost. The
//! new consumer has a new name and claims them.
//!
//! # Example
//!
//! Reads a stream, handles its entries in order and acknowledges them:
//!
//! ```no_run
//! use std::time::Duration;
//! use stream_worker::{ConsumerOptions, DedicatedConnection, GroupConsumer, StreamError};
//!
//! # async fn example() -> Result<(), StreamError> {
//! let client = redis::Client::open("redis://127.0.0.1/")?;
//! let options = ConsumerOptions {
//!     group: "mailers".to_owned(),
//!     streams: vec!["{0}:mails".to_owned()],
//!     priority_streams: 0,
//!     count: 100,
//!     block: Duration::from_millis(500),
//!     blocking: true,
//!     linger: Duration::ZERO,
//!     ack_required: true,
//!     crash_tracking: None,
//! };
//! let mut consumer = GroupConsumer::open(&client, options).await?;
//! // The consumer's own connection is blocked while it reads, so acknowledgements use another one.
//! let mut connection = DedicatedConnection::open(&client, Duration::from_secs(5)).await?;
//! loop {
//!     for entry in consumer.read().await?.entries {
//!         println!("{}: {} fields", entry.id, entry.fields.len());
//!         let mut acknowledge = redis::cmd("XACK");
//!         acknowledge.arg("{0}:mails").arg("mailers").arg(entry.id.to_string());
//!         connection.send_one(&acknowledge).await?;
//!     }
//! }
//! # }
//! ```
//!
//! `examples/ordered_work.rs` is a complete worker with leases, retry and shutdown.

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

/// Error of a Redis server or of the connection to it. Its text does not say which server: the caller adds
/// that.
#[derive(Debug, Error)]
pub enum StreamError {
    /// The server answered with an error, or the `redis` crate could not parse a reply.
    #[error(transparent)]
    Redis(#[from] redis::RedisError),
    /// The connection could not be opened, was lost, or did not deliver a reply within its deadline.
    #[error(transparent)]
    Connection(#[from] std::io::Error),
    /// The reply does not have the shape that the protocol prescribes for this command.
    #[error("unexpected reply to {command}: {received}")]
    Unexpected {
        /// Name of the command.
        command: &'static str,
        /// Debug text of the reply, cut to 200 characters.
        received: String,
    },
}

impl StreamError {
    /// Returns [`StreamError::Unexpected`] for a reply.
    pub fn unexpected(command: &'static str, reply: &redis::Value) -> StreamError {
        let mut received = format!("{reply:?}");
        let end = received.char_indices().nth(200).map_or(received.len(), |(at, _)| at);
        received.truncate(end);
        StreamError::Unexpected { command, received }
    }
}
