//! Whoever carries a parcel out of the house.

use super::outbox::Parcel;
use std::future::Future;

/// Carries one parcel, once. It knows no retries, and takes no longer than it was told.
pub trait Courier: Send + Sync + 'static {
    /// Tries to hand it over. The parcel says who it is on every attempt, so that the receiver can tell a
    /// repeat.
    fn carry(&self, parcel: &Parcel) -> impl Future<Output = Carried> + Send;
}

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carried {
    /// It was taken.
    Taken {
        /// What was answered.
        status: Option<u16>,
    },
    /// Not this time. What the receiver said in words is not told: nobody shall read through us what he cannot
    /// reach himself.
    NotTaken {
        /// What was answered.
        status: Option<u16>,
        /// What was wrong.
        error: &'static str,
    },
    /// Never; it need not be tried again.
    Refused {
        /// What was answered.
        status: Option<u16>,
        /// What was wrong.
        error: &'static str,
    },
    /// The receiver wants nothing more.
    Unwanted {
        /// What was answered.
        status: Option<u16>,
    },
}
