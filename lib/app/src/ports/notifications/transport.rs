//! Sends messages of the outbox over one channel.

use super::outbox::OutboxMessage;
use std::future::Future;

/// Transport of one delivery channel. It makes one attempt per call and never retries.
pub trait Transport: Send + Sync + 'static {
    /// Sends a message. Every attempt carries the same message id, so that the receiver can detect repeats.
    fn send(&self, message: &OutboxMessage) -> impl Future<Output = SendResult> + Send;
}

/// Result of sending a message.
///
/// It never contains text of the receiver: otherwise a user could read through the portal what they cannot
/// reach themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SendResult {
    /// The receiver accepted the message.
    Accepted {
        /// Status code of the response.
        status: Option<u16>,
    },
    /// The attempt failed; a later one may succeed.
    Retryable {
        /// Status code of the response, if there was one.
        status: Option<u16>,
        /// Error code, such as `timed_out`.
        error: &'static str,
    },
    /// The attempt failed, and no later one can succeed.
    Rejected {
        /// Status code of the response, if there was one.
        status: Option<u16>,
        /// Error code, such as `timed_out`.
        error: &'static str,
    },
    /// The endpoint accepts no more messages of any kind.
    EndpointGone {
        /// Status code of the response.
        status: Option<u16>,
    },
}
