#![doc = include_str!("../README.md")]
#![warn(missing_docs)]

pub mod connection;
pub mod connection_end;
pub mod consumer;
pub mod crash_tracking;
pub mod entry;
mod frame;
pub mod leases;
mod linger;
pub mod trim;
pub mod value;

pub use connection::{Connect, DedicatedConnection, Socket};
pub use connection_end::{ConnectionEnd, ends_connection};
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
    /// The server answers, but is not the one to use: [`Connect::check_handshake`] refuses it.
    #[error("{0}")]
    Refused(String),
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
    /// Returns whether the connection must not be used after this error, and why.
    pub fn ends_connection(&self) -> Option<ConnectionEnd> {
        match self {
            StreamError::Redis(error) => ends_connection(error),
            StreamError::Refused(_) => Some(ConnectionEnd::WrongServer),
            // A reply of another shape may belong to another command.
            StreamError::Connection(_) | StreamError::Unexpected { .. } => Some(ConnectionEnd::Broken),
        }
    }

    /// Returns [`StreamError::Unexpected`] for a reply.
    pub fn unexpected(command: &'static str, reply: &redis::Value) -> StreamError {
        let mut received = format!("{reply:?}");
        let end = received.char_indices().nth(200).map_or(received.len(), |(at, _)| at);
        received.truncate(end);
        StreamError::Unexpected { command, received }
    }
}
