//! Ports: the traits that the use cases need from the outside.
//!
//! Each trait has a file of its own, and its documentation is the contract. A trait with more than one
//! adapter has one contract test suite that runs against all of them.
//!
//! The ports of the ingress are `async_trait`s, which it holds as `Arc<dyn …>`: each call allocates once, next
//! to a round trip. The ports of the writer and of the consumers are static: their calls allocate nothing.

#![warn(missing_docs)]

pub mod backend;
pub mod commands;
pub mod events;
pub mod notifications;
pub mod operator;
pub mod people;
pub mod views;

use thiserror::Error;

/// A backend is unreachable, did not respond in time, or sent an invalid response.
///
/// The effect of the last request is unknown. Retry on a new connection.
#[derive(Debug, Error)]
#[error("{backend}: {cause}")]
pub struct Unavailable {
    /// Name of the unavailable dependency: the backend, as its adapter names it, or the port.
    pub backend: &'static str,
    /// Error of the client library.
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
