//! Tells the senders of this process that there is something to send.

use crate::ports::Unavailable;
use crate::ports::notifications::notification_sink::{Delivered, Delivery};
use std::sync::Arc;
use tokio::sync::Notify;

/// Rings; clones share it. What is delivered this way lies in the outbox already.
#[derive(Clone, Debug, Default)]
pub struct Bell(Arc<Notify>);

impl Bell {
    /// Wakes whoever waits; if nobody does, the next who would.
    pub fn ring(&self) {
        self.0.notify_one();
    }

    /// Waits until it rings.
    pub async fn rung(&self) {
        self.0.notified().await;
    }
}

impl Delivery for Bell {
    async fn begin(&self) -> Result<(), Unavailable> {
        self.ring();
        Ok(())
    }

    async fn deliver(&self, _: &[Delivered]) -> Result<(), Unavailable> {
        self.ring();
        Ok(())
    }
}
