//! Tells the senders of this process that there is something to send.

use crate::ports::Unavailable;
use crate::ports::notifications::notification_sink::{NewNotification, NotificationSink};
use std::sync::Arc;
use tokio::sync::Notify;

/// Rings; clones share it. What is delivered this way lies in the outbox already.
#[derive(Clone, Debug, Default)]
pub struct Wakeup(Arc<Notify>);

impl Wakeup {
    /// Wakes whoever waits; if nobody does, the next who would.
    pub fn wake(&self) {
        self.0.notify_one();
    }

    /// Waits until it rings.
    pub async fn notified(&self) {
        self.0.notified().await;
    }
}

impl NotificationSink for Wakeup {
    async fn begin(&self) -> Result<(), Unavailable> {
        self.wake();
        Ok(())
    }

    async fn deliver(&self, _: &[NewNotification]) -> Result<(), Unavailable> {
        self.wake();
        Ok(())
    }
}
