//! Notifications on their way out of the house. They are put there in the transaction that stores them
//! ([`super::notification_store`]), and taken out by any number of senders.

use crate::ports::Unavailable;
use std::future::Future;
use std::time::Duration;
use uuid::Uuid;

/// What is on its way. After an error it may be used again.
pub trait Outbox: Send + Sync {
    /// Claims deliveries that are due, the ones that waited longest first, but of each endpoint only so many.
    /// Nobody else gets them until the claim ends; then they are due again, whatever became of the claimer.
    fn claim(&self, claim: &Claim) -> impl Future<Output = Result<Vec<Parcel>, Unavailable>> + Send;

    /// Notes what came of attempts. Where the claim has ended and somebody else made another one, nothing
    /// is changed.
    fn settle(&self, settled: &[Settled]) -> impl Future<Output = Result<(), Unavailable>> + Send;
}

/// A way out of the house.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Way {
    /// By HTTP, to an address that its user named.
    Webhook,
    /// By e-mail.
    Email,
}

impl Way {
    /// Its name, in the store and for operators.
    pub fn name(self) -> &'static str {
        match self {
            Way::Webhook => "webhook",
            Way::Email => "email",
        }
    }
}

/// What a sender asks for.
#[derive(Clone, Debug)]
pub struct Claim {
    /// On that way.
    pub way: Way,
    /// Nothing for these.
    pub busy: Vec<Uuid>,
    /// At most so many.
    pub limit: usize,
    /// At most so many for one endpoint.
    pub per_endpoint: usize,
    /// So long the claim lasts.
    pub lease: Duration,
}

/// A notification that was claimed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parcel {
    /// Its place among all.
    pub seq: u64,
    /// By what the store knows the claim again.
    pub claim: i64,
    /// To whom: a webhook; by e-mail, a user.
    pub endpoint: Uuid,
    /// The id of the notification: the same on every attempt.
    pub id: Uuid,
    /// So many attempts were made before.
    pub attempts: u32,
    /// What it says, as JSON.
    pub news: Vec<u8>,
    /// Where that is.
    pub to: To,
}

/// Where a parcel goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum To {
    /// To a webhook.
    Webhook {
        /// Its address.
        url: String,
        /// Which secret it has.
        secret: u32,
        /// Whether the secret before signs as well.
        previous: bool,
    },
    /// To a mailbox.
    Mail {
        /// Its address.
        address: String,
    },
    /// Nowhere, for that reason.
    Nobody(&'static str),
}

/// What came of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settled {
    /// Of which parcel.
    pub seq: u64,
    /// By which claim.
    pub claim: i64,
    /// What now.
    pub verdict: Verdict,
    /// What was answered.
    pub status: Option<u16>,
    /// What was wrong.
    pub error: Option<&'static str>,
}

/// What is to be done with a parcel after an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It arrived.
    Delivered,
    /// It is due again after so long.
    Again(Duration),
    /// It is given up.
    Failed,
    /// It is given up, and its endpoint wants nothing more.
    Gone,
    /// Nothing was tried, as far as is known: it is due at once.
    Returned,
}

impl Verdict {
    /// Its name, for operators.
    pub fn name(self) -> &'static str {
        match self {
            Verdict::Delivered => "delivered",
            Verdict::Again(_) => "again",
            Verdict::Failed => "failed",
            Verdict::Gone => "gone",
            Verdict::Returned => "returned",
        }
    }

    /// How far the parcel is then.
    pub fn state(self) -> State {
        match self {
            Verdict::Delivered => State::Delivered,
            Verdict::Again(_) | Verdict::Returned => State::Pending,
            Verdict::Failed | Verdict::Gone => State::Failed,
        }
    }
}

/// How far a delivery is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It will be tried.
    Pending,
    /// It arrived.
    Delivered,
    /// It was given up.
    Failed,
}

impl State {
    /// Its name, in the store and for users.
    pub fn name(self) -> &'static str {
        match self {
            State::Pending => "pending",
            State::Delivered => "delivered",
            State::Failed => "failed",
        }
    }

    /// The one of that name.
    pub fn named(name: &str) -> Option<State> {
        [State::Pending, State::Delivered, State::Failed].into_iter().find(|state| state.name() == name)
    }
}
