//! What the use cases need from the outside. One trait a file; its documentation is the contract, and
//! one suite runs against every adapter of those that have more than one.

#![warn(missing_docs)]

pub mod commands;
pub mod durability;
pub mod events;
pub mod notifications;
pub mod operator;
pub mod people;
pub mod views;

use thiserror::Error;

/// A server is not there, did not answer, or answered nonsense. Whether the last request had an effect
/// is not known. Try again, on a new connection.
#[derive(Debug, Error)]
#[error("{backend}: {cause}")]
pub struct Unavailable {
    /// Which: `redis` or `postgres`.
    pub backend: &'static str,
    /// What the client library said.
    #[source]
    pub cause: Box<dyn std::error::Error + Send + Sync>,
}

impl Unavailable {
    /// Wraps the error of a client library.
    pub fn new(
        backend: &'static str,
        cause: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Unavailable {
        Unavailable { backend, cause: cause.into() }
    }
}
