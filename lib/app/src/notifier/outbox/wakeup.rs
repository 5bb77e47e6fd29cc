//! Wakes the dispatchers of this process when there are new deliveries.

use crate::ports::Unavailable;
use crate::ports::notifications::notification_sink::{NewNotification, NotificationSink};
use auction_wire::PartitionId;
use std::sync::Arc;
use tokio::sync::Notify;

/// Wake-up signal, shared by its clones. As a notification sink it only wakes: the deliveries are in the
/// outbox.
#[derive(Clone, Debug, Default)]
pub struct Wakeup(Arc<Notify>);

impl Wakeup {
    /// Wakes one waiting dispatcher; if none is waiting, the next one does not wait.
    pub fn wake(&self) {
        self.0.notify_one();
    }

    /// Waits for the next wake-up.
    pub async fn notified(&self) {
        self.0.notified().await;
    }
}

impl NotificationSink for Wakeup {
    async fn begin(&self, _: PartitionId) -> Result<(), Unavailable> {
        self.wake();
        Ok(())
    }

    async fn deliver(&self, _: &[NewNotification]) -> Result<(), Unavailable> {
        self.wake();
        Ok(())
    }
}
