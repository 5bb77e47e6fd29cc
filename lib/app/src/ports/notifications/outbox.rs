//! The outbox: notifications to deliver by webhook and e-mail.
//!
//! The transaction that stores a notification ([`super::notification_store`]) adds its deliveries. Any number
//! of dispatchers claim and send them.

use crate::ports::Unavailable;
use auction_wire::PartitionId;
use std::future::Future;
use std::time::Duration;
use uuid::Uuid;

/// Pending deliveries. After an error it can be used again.
pub trait Outbox: Send + Sync {
    /// Claims deliveries that are due, those that are due longest first, at most
    /// [`ClaimRequest::per_endpoint`] of each endpoint.
    ///
    /// No other dispatcher receives them until the claim expires. Then they are due again, whether or not the
    /// claimer sent them.
    fn claim(
        &self,
        claim: &ClaimRequest,
    ) -> impl Future<Output = Result<Vec<OutboxMessage>, Unavailable>> + Send;

    /// Stores the results of attempts. A result is ignored if its claim has expired and another dispatcher
    /// has claimed the delivery since.
    fn record(&self, attempts: &[AttemptRecord]) -> impl Future<Output = Result<(), Unavailable>> + Send;
}

/// Channel of a delivery outside of the portal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DeliveryChannel {
    /// HTTP request to a URL that the user registered.
    Webhook,
    /// E-mail to the address of the user's account.
    Email,
}

impl DeliveryChannel {
    /// Returns the name in the store, in logs and in metrics.
    pub fn name(self) -> &'static str {
        match self {
            DeliveryChannel::Webhook => "webhook",
            DeliveryChannel::Email => "email",
        }
    }
}

/// Which deliveries a dispatcher claims.
#[derive(Clone, Debug)]
pub struct ClaimRequest {
    /// Channel of the deliveries.
    pub channel: DeliveryChannel,
    /// Endpoints to skip, since this dispatcher has attempts to them in flight.
    pub busy: Vec<Uuid>,
    /// Maximum number of deliveries.
    pub limit: usize,
    /// Maximum number of deliveries per endpoint.
    pub per_endpoint: usize,
    /// Duration of the claim.
    pub lease: Duration,
}

/// Identity of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeliveryId {
    /// Partition of the user who is notified.
    pub partition: PartitionId,
    /// Sequence number in the partition.
    pub seq: u64,
}

/// Claimed delivery of a notification.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutboxMessage {
    /// Delivery of the message.
    pub delivery: DeliveryId,
    /// Token of the claim, which [`AttemptRecord::claim`] repeats.
    pub claim: i64,
    /// Id of the webhook; for e-mail, of the user.
    pub endpoint: Uuid,
    /// Id of the notification: the same on every attempt.
    pub id: Uuid,
    /// Number of attempts made before.
    pub attempts: u32,
    /// Content of the notification, as JSON without the id.
    pub content: Vec<u8>,
    /// Where to send it.
    pub destination: Destination,
}

/// Destination of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Destination {
    /// A webhook of the user.
    Webhook {
        /// URL that receives the request.
        url: String,
        /// Number of the webhook's current secret.
        secret: u32,
        /// Whether the previous secret signs as well.
        previous: bool,
    },
    /// The mailbox of the user.
    Email {
        /// E-mail address of the user.
        address: String,
    },
    /// The message cannot be sent, for this reason.
    Unreachable(&'static str),
}

/// Result of an attempt, as the outbox stores it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttemptRecord {
    /// Delivery of the attempt.
    pub delivery: DeliveryId,
    /// Token of the claim.
    pub claim: i64,
    /// What happens to the delivery.
    pub result: AttemptResult,
    /// Status code of the response, if there was one.
    pub status: Option<u16>,
    /// Error code, if the attempt failed.
    pub error: Option<&'static str>,
}

/// What happens to a delivery after an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttemptResult {
    /// The receiver accepted the message.
    Delivered,
    /// The attempt failed. The delivery is due again after this time.
    Retry(Duration),
    /// The delivery failed for good.
    Failed,
    /// The delivery failed for good, and its endpoint is disabled.
    EndpointGone,
    /// No attempt is known to have ended: the delivery is due at once.
    Released,
}

impl AttemptResult {
    /// Returns the name in metrics.
    pub fn name(self) -> &'static str {
        match self {
            AttemptResult::Delivered => "delivered",
            AttemptResult::Retry(_) => "again",
            AttemptResult::Failed => "failed",
            AttemptResult::EndpointGone => "gone",
            AttemptResult::Released => "returned",
        }
    }

    /// Returns the state of the delivery after the attempt.
    pub fn state(self) -> OutboxState {
        match self {
            AttemptResult::Delivered => OutboxState::Delivered,
            AttemptResult::Retry(_) | AttemptResult::Released => OutboxState::Pending,
            AttemptResult::Failed | AttemptResult::EndpointGone => OutboxState::Failed,
        }
    }
}

/// State of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutboxState {
    /// An attempt will be made.
    Pending,
    /// The message was delivered.
    Delivered,
    /// No more attempts will be made.
    Failed,
}

impl OutboxState {
    /// Returns the name in the store and in the API.
    pub fn name(self) -> &'static str {
        match self {
            OutboxState::Pending => "pending",
            OutboxState::Delivered => "delivered",
            OutboxState::Failed => "failed",
        }
    }

    /// Returns the state with this name.
    pub fn named(name: &str) -> Option<OutboxState> {
        [OutboxState::Pending, OutboxState::Delivered, OutboxState::Failed]
            .into_iter()
            .find(|state| state.name() == name)
    }
}
