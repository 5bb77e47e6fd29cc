//! What the use cases need from the outside. One trait a file; its documentation is the contract, and
//! one suite runs against every adapter of those that have more than one.

pub mod account_admin;
pub mod accounts;
pub mod auction_events;
pub mod command_lane;
pub mod command_queue;
pub mod courier;
pub mod dead_letters;
pub mod deletions;
pub mod delivery;
pub mod event_feed;
pub mod event_store;
pub mod event_tail;
pub mod generations;
pub mod heads;
pub mod inbox;
pub mod limits;
pub mod notification_store;
pub mod outbox;
pub mod outcomes;
pub mod parked_events;
pub mod partition_lock;
pub mod pressure;
pub mod progress;
pub mod published_events;
pub mod retention;
pub mod subscribers;
pub mod tokens;
pub mod view_store;
pub mod webhooks;

use thiserror::Error;

/// A server is not there, did not answer, or answered nonsense. Whether the last request had an effect
/// is not known. Try again, on a new connection.
#[derive(Debug, Error)]
#[error("{service}: {cause}")]
pub struct Unavailable {
    /// Which: `redis` or `postgres`.
    pub service: &'static str,
    /// What the client library said.
    #[source]
    pub cause: Box<dyn std::error::Error + Send + Sync>,
}

impl Unavailable {
    /// Wraps the error of a client library.
    pub fn new(
        service: &'static str,
        cause: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Unavailable {
        Unavailable { service, cause: cause.into() }
    }
}
