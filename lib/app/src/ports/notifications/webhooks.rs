//! Webhooks of users, and their deliveries.

use super::outbox::OutboxState;
use crate::ports::Unavailable;
use async_trait::async_trait;
use auction_domain::{Timestamp, UserId};
use std::time::Duration;
use uuid::Uuid;

/// Webhooks of all users. A webhook belongs to one user; for other users it does not exist.
#[async_trait]
pub trait WebhookStore: Send + Sync {
    /// Creates a webhook, unless the user has `limit` webhooks. Notifications stored from now on are sent to
    /// it.
    ///
    /// Creating a webhook and deleting its user exclude each other: no webhook of a deleted user remains.
    async fn create(
        &self,
        user: UserId,
        webhook: Uuid,
        url: &str,
        limit: u16,
    ) -> Result<CreateResult, Unavailable>;

    /// Returns all webhooks of a user, the oldest first.
    async fn webhooks(&self, user: UserId) -> Result<Vec<Webhook>, Unavailable>;

    /// Deletes a webhook and all its deliveries. Returns whether it existed.
    async fn delete(&self, user: UserId, webhook: Uuid) -> Result<bool, Unavailable>;

    /// Replaces the secret of a webhook; `None` if there is no such webhook.
    ///
    /// The previous secret signs as well for the time of `overlap`; the one before it does not any more.
    async fn rotate(
        &self,
        user: UserId,
        webhook: Uuid,
        overlap: Duration,
    ) -> Result<Option<Webhook>, Unavailable>;

    /// Returns at most `limit` deliveries of a webhook with sequence numbers below `before`, the newest
    /// first; `None` if there is no such webhook.
    async fn deliveries(
        &self,
        user: UserId,
        webhook: Uuid,
        before: u64,
        limit: usize,
    ) -> Result<Option<Vec<WebhookDelivery>>, Unavailable>;

    /// Makes a delivery due again, with a new series of attempts.
    async fn replay(
        &self,
        user: UserId,
        webhook: Uuid,
        notification: Uuid,
    ) -> Result<ReplayResult, Unavailable>;
}

/// Webhook of a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Webhook {
    /// Id of the webhook.
    pub id: Uuid,
    /// URL that receives the requests.
    pub url: String,
    /// Number of the current secret: 1, 2, 3 …
    pub secret: u32,
    /// End of the time in which the previous secret signs as well.
    pub previous_until: Option<Timestamp>,
    /// When the webhook was created.
    pub created_at: Timestamp,
    /// When the webhook was disabled because its endpoint is gone; `None` if it is enabled.
    pub disabled_at: Option<Timestamp>,
}

/// Result of creating a webhook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CreateResult {
    /// The webhook was created.
    Done(Webhook),
    /// The user has the maximum number of webhooks.
    TooMany,
    /// The user does not exist, or is deleted.
    NoUser,
}

/// Result of replaying a delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReplayResult {
    /// The delivery is due now.
    Done(WebhookDelivery),
    /// There is no such webhook.
    NoWebhook,
    /// The webhook has no delivery of this notification, or retention deleted it.
    NoDelivery,
    /// The webhook is disabled.
    Disabled,
}

/// Delivery of a notification to a webhook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookDelivery {
    /// Sequence number among all deliveries.
    pub seq: u64,
    /// Id of the notification.
    pub id: Uuid,
    /// Content of the notification, as JSON without the id.
    pub content: Vec<u8>,
    /// State of the delivery.
    pub state: OutboxState,
    /// Number of attempts so far.
    pub attempts: u32,
    /// Time when the notification was stored.
    pub created_at: Timestamp,
    /// When the next attempt is due, if the delivery is pending.
    pub due_at: Timestamp,
    /// When the delivery succeeded or failed for good.
    pub finished_at: Option<Timestamp>,
    /// Status code of the response to the last attempt.
    pub status: Option<u16>,
    /// Error code of the last attempt.
    pub error: Option<String>,
}
