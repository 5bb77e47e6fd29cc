//! Where users want to be told by HTTP, and what was sent there.

use super::outbox::OutboxState;
use crate::ports::Unavailable;
use auction_domain::{Timestamp, UserId};
use std::future::Future;
use std::time::Duration;
use uuid::Uuid;

/// The webhooks of all users. Each belongs to one; for everybody else it is not there.
pub trait WebhookStore: Send + Sync {
    /// One more of a user, unless he has so many. What is told from now on is sent there. After the user's
    /// deletion it is not there any more, however close the two come.
    fn create(
        &self,
        user: UserId,
        webhook: Uuid,
        url: &str,
        at_most: u16,
    ) -> impl Future<Output = Result<CreateResult, Unavailable>> + Send;

    /// All of a user, the oldest first.
    fn webhooks(&self, user: UserId) -> impl Future<Output = Result<Vec<Webhook>, Unavailable>> + Send;

    /// Takes one away, with everything that was or will be sent there. Returns whether it was there.
    fn delete(&self, user: UserId, webhook: Uuid) -> impl Future<Output = Result<bool, Unavailable>> + Send;

    /// Gives it its next secret. The one before signs as well for so long; the one before that no more.
    fn rotate(
        &self,
        user: UserId,
        webhook: Uuid,
        overlap: Duration,
    ) -> impl Future<Output = Result<Option<Webhook>, Unavailable>> + Send;

    /// What was and will be sent there, the newest first, at most so many before a place; none if there is
    /// no such webhook.
    fn deliveries(
        &self,
        user: UserId,
        webhook: Uuid,
        before: u64,
        limit: usize,
    ) -> impl Future<Output = Result<Option<Vec<WebhookDelivery>>, Unavailable>> + Send;

    /// Sends something again, now, with all attempts before it.
    fn replay(
        &self,
        user: UserId,
        webhook: Uuid,
        notification: Uuid,
    ) -> impl Future<Output = Result<ReplayResult, Unavailable>> + Send;
}

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Webhook {
    /// Which.
    pub id: Uuid,
    /// Where.
    pub url: String,
    /// Which secret it has: 1, 2, 3 …
    pub secret: u32,
    /// Until then the secret before signs as well.
    pub previous_until: Option<Timestamp>,
    /// Since when.
    pub created_at: Timestamp,
    /// It said that it wants nothing more.
    pub disabled_at: Option<Timestamp>,
}

/// What became of a wish for one more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CreateResult {
    /// It is there.
    Done(Webhook),
    /// The user has enough.
    TooMany,
    /// There is no such user, or not any more.
    NoUser,
}

/// What became of sending again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReplayResult {
    /// It is due now.
    Done(WebhookDelivery),
    /// There is no such webhook.
    NoWebhook,
    /// Nothing of that id was to be sent there, or it is not known any more.
    NoDelivery,
    /// The webhook wants nothing more.
    Disabled,
}

/// A notification on its way to a webhook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookDelivery {
    /// Its place among all.
    pub seq: u64,
    /// The id of the notification.
    pub id: Uuid,
    /// What it says, as JSON.
    pub news: Vec<u8>,
    /// How far it is.
    pub state: OutboxState,
    /// So many attempts were made.
    pub attempts: u32,
    /// Since when it is on its way.
    pub created_at: Timestamp,
    /// When it is due, if it is pending.
    pub next_at: Timestamp,
    /// When it was delivered, or given up.
    pub finished_at: Option<Timestamp>,
    /// What was answered to the last attempt.
    pub status: Option<u16>,
    /// What was wrong with the last attempt.
    pub error: Option<String>,
}
