//! A way on which notifications reach users: the inbox, and what is sent out of the house.

use crate::ports::Unavailable;
use auction_domain::UserId;
use std::future::Future;

/// One way. What comes over it more than once is told once: a notification has an id, and a place in the
/// user's inbox.
pub trait NotificationSink: Send + Sync {
    /// Whoever delivers begins: of what is stored already, some may never have been delivered.
    fn begin(&self) -> impl Future<Output = Result<(), Unavailable>> + Send;

    /// Delivers what was stored just now. Notifications of one user may come out of order, and again.
    fn deliver(
        &self,
        notifications: &[NewNotification],
    ) -> impl Future<Output = Result<(), Unavailable>> + Send;
}

/// Two ways at once.
impl<One: NotificationSink, Other: NotificationSink> NotificationSink for (One, Other) {
    async fn begin(&self) -> Result<(), Unavailable> {
        self.0.begin().await?;
        self.1.begin().await
    }

    async fn deliver(&self, notifications: &[NewNotification]) -> Result<(), Unavailable> {
        self.0.deliver(notifications).await?;
        self.1.deliver(notifications).await
    }
}

/// A notification on its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewNotification {
    /// To whom.
    pub user: UserId,
    /// Its place in his inbox: 1, 2, 3 … without a hole.
    pub seq: u64,
    /// What it says, as JSON.
    pub json: Vec<u8>,
}
