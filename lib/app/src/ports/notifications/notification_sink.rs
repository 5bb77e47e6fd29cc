//! Receives stored notifications: the inbox cache, and the wake-up of the outbox dispatchers.

use crate::ports::Unavailable;
use auction_domain::UserId;
use auction_wire::PartitionId;
use std::future::Future;

/// Receiver of stored notifications.
///
/// Delivery is at least once. A receiver recognises a repeat by the id of the notification, or by its
/// sequence number in the inbox of its user.
pub trait NotificationSink: Send + Sync {
    /// Announces a new sender for the users of a partition. Notifications that are stored already may never
    /// have been delivered, so the receiver must not rely on having all of them.
    fn begin(&self, users: PartitionId) -> impl Future<Output = Result<(), Unavailable>> + Send;

    /// Delivers notifications that were just stored. Notifications of one user may arrive out of order and
    /// more than once.
    fn deliver(
        &self,
        notifications: &[NewNotification],
    ) -> impl Future<Output = Result<(), Unavailable>> + Send;
}

/// Delivers to both, the first one first.
impl<One: NotificationSink, Other: NotificationSink> NotificationSink for (One, Other) {
    async fn begin(&self, users: PartitionId) -> Result<(), Unavailable> {
        self.0.begin(users).await?;
        self.1.begin(users).await
    }

    async fn deliver(&self, notifications: &[NewNotification]) -> Result<(), Unavailable> {
        self.0.deliver(notifications).await?;
        self.1.deliver(notifications).await
    }
}

/// Notification that was just stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewNotification {
    /// User who is notified.
    pub user: UserId,
    /// Sequence number in the user's inbox: 1, 2, 3 …, gap-free.
    pub seq: u64,
    /// The notification as JSON.
    pub json: Vec<u8>,
}
