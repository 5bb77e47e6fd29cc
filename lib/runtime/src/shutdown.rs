//! Stopping: whoever runs a task says when to stop, and the task says when it has.

use std::time::Duration;
use tokio::sync::watch;

/// Says that it is time to stop.
#[derive(Debug)]
pub struct ShutdownTrigger(watch::Sender<bool>);

/// Hears that it is time to stop.
#[derive(Clone, Debug)]
pub struct ShutdownSignal(watch::Receiver<bool>);

/// A pair of both.
pub fn shutdown_pair() -> (ShutdownTrigger, ShutdownSignal) {
    let (sender, receiver) = watch::channel(false);
    (ShutdownTrigger(sender), ShutdownSignal(receiver))
}

impl ShutdownTrigger {
    /// Tells everybody to finish what is in hand.
    pub fn stop(&self) {
        self.0.send_replace(true);
    }
}

impl ShutdownSignal {
    /// Whether it is time.
    pub fn requested(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits until it is time; also when nobody is left to say so.
    pub async fn wait(&mut self) {
        // An error means that the other side is gone, which is a reason to stop as well.
        let _ = self.0.wait_for(|stop| *stop).await;
    }

    /// Waits so long, or until it is time to stop.
    pub async fn sleep(&mut self, wait: Duration) {
        let _ = tokio::time::timeout(wait, self.wait()).await;
    }
}
