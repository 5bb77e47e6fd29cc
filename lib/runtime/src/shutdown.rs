//! Shutdown signal: asks tasks to finish their work in progress and return.

use std::time::Duration;
use tokio::sync::watch;

/// Sending half of a shutdown signal. Dropping it ends [`ShutdownSignal::wait`], too.
#[derive(Debug)]
pub struct ShutdownTrigger(watch::Sender<bool>);

/// Receiving half of a shutdown signal. All clones receive the signal.
#[derive(Clone, Debug)]
pub struct ShutdownSignal(watch::Receiver<bool>);

/// Returns a trigger and the signal that it controls.
pub fn shutdown_pair() -> (ShutdownTrigger, ShutdownSignal) {
    let (sender, receiver) = watch::channel(false);
    (ShutdownTrigger(sender), ShutdownSignal(receiver))
}

impl ShutdownTrigger {
    /// Requests the shutdown: every task with the signal must finish its work in progress and return.
    pub fn stop(&self) {
        self.0.send_replace(true);
    }
}

impl ShutdownSignal {
    /// Whether [`ShutdownTrigger::stop`] was called.
    pub fn requested(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits until the shutdown is requested, or the trigger is dropped.
    pub async fn wait(&mut self) {
        // An error means that the trigger was dropped.
        let _ = self.0.wait_for(|stop| *stop).await;
    }

    /// Waits for `wait`, or until the shutdown is requested.
    pub async fn sleep(&mut self, wait: Duration) {
        let _ = tokio::time::timeout(wait, self.wait()).await;
    }
}
