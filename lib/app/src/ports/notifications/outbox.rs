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
    fn claim(
        &self,
        claim: &ClaimRequest,
    ) -> impl Future<Output = Result<Vec<OutboxMessage>, Unavailable>> + Send;

    /// Notes what came of attempts. Where the claim has ended and somebody else made another one, nothing
    /// is changed.
    fn record(&self, settled: &[AttemptRecord]) -> impl Future<Output = Result<(), Unavailable>> + Send;
}

/// A way out of the house.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DeliveryChannel {
    /// By HTTP, to an address that its user named.
    Webhook,
    /// By e-mail.
    Email,
}

impl DeliveryChannel {
    /// Its name, in the store and for operators.
    pub fn name(self) -> &'static str {
        match self {
            DeliveryChannel::Webhook => "webhook",
            DeliveryChannel::Email => "email",
        }
    }
}

/// What a sender asks for.
#[derive(Clone, Debug)]
pub struct ClaimRequest {
    /// On that way.
    pub way: DeliveryChannel,
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
pub struct OutboxMessage {
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
    pub to: Destination,
}

/// Where a parcel goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Destination {
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
    Email {
        /// Its address.
        address: String,
    },
    /// Nowhere, for that reason.
    Unreachable(&'static str),
}

/// What came of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttemptRecord {
    /// Of which parcel.
    pub seq: u64,
    /// By which claim.
    pub claim: i64,
    /// What now.
    pub verdict: AttemptResult,
    /// What was answered.
    pub status: Option<u16>,
    /// What was wrong.
    pub error: Option<&'static str>,
}

/// What is to be done with a parcel after an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttemptResult {
    /// It arrived.
    Delivered,
    /// It is due again after so long.
    Retry(Duration),
    /// It is given up.
    Failed,
    /// It is given up, and its endpoint wants nothing more.
    EndpointGone,
    /// Nothing was tried, as far as is known: it is due at once.
    Released,
}

impl AttemptResult {
    /// Its name, for operators.
    pub fn name(self) -> &'static str {
        match self {
            AttemptResult::Delivered => "delivered",
            AttemptResult::Retry(_) => "again",
            AttemptResult::Failed => "failed",
            AttemptResult::EndpointGone => "gone",
            AttemptResult::Released => "returned",
        }
    }

    /// How far the parcel is then.
    pub fn state(self) -> OutboxState {
        match self {
            AttemptResult::Delivered => OutboxState::Delivered,
            AttemptResult::Retry(_) | AttemptResult::Released => OutboxState::Pending,
            AttemptResult::Failed | AttemptResult::EndpointGone => OutboxState::Failed,
        }
    }
}

/// How far a delivery is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutboxState {
    /// It will be tried.
    Pending,
    /// It arrived.
    Delivered,
    /// It was given up.
    Failed,
}

impl OutboxState {
    /// Its name, in the store and for users.
    pub fn name(self) -> &'static str {
        match self {
            OutboxState::Pending => "pending",
            OutboxState::Delivered => "delivered",
            OutboxState::Failed => "failed",
        }
    }

    /// The one of that name.
    pub fn named(name: &str) -> Option<OutboxState> {
        [OutboxState::Pending, OutboxState::Delivered, OutboxState::Failed]
            .into_iter()
            .find(|state| state.name() == name)
    }
}
