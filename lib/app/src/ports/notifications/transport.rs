//! Whoever carries a parcel out of the house.

use super::outbox::OutboxMessage;
use std::future::Future;

/// Carries one parcel, once. It knows no retries, and takes no longer than it was told.
pub trait Transport: Send + Sync + 'static {
    /// Tries to hand it over. The parcel says who it is on every attempt, so that the receiver can tell a
    /// repeat.
    fn send(&self, parcel: &OutboxMessage) -> impl Future<Output = SendResult> + Send;
}

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SendResult {
    /// It was taken.
    Accepted {
        /// What was answered.
        status: Option<u16>,
    },
    /// Not this time. What the receiver said in words is not told: nobody shall read through us what he cannot
    /// reach himself.
    Retryable {
        /// What was answered.
        status: Option<u16>,
        /// What was wrong.
        error: &'static str,
    },
    /// Never; it need not be tried again.
    Rejected {
        /// What was answered.
        status: Option<u16>,
        /// What was wrong.
        error: &'static str,
    },
    /// The receiver wants nothing more.
    EndpointGone {
        /// What was answered.
        status: Option<u16>,
    },
}
