//! Wake-up signals for subscribers of notification inboxes.

use auction_domain::UserId;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

/// Signals of all users that have subscribers in this process.
///
/// A signal means: read the inbox again. A signal may be sent without a new notification. A notification
/// whose signal was lost is found at the latest after the next signal.
#[derive(Debug, Default)]
pub struct InboxSignals(Mutex<HashMap<UserId, watch::Sender<()>>>);

/// Signal of one subscriber.
#[derive(Debug)]
pub struct InboxSignal {
    signals: Arc<InboxSignals>,
    user: UserId,
    receiver: watch::Receiver<()>,
}

impl InboxSignals {
    fn lock(&self) -> MutexGuard<'_, HashMap<UserId, watch::Sender<()>>> {
        // A panic cannot leave the map inconsistent: each change is one call.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns a signal for a user. It misses no notification from now on.
    pub fn subscribe(self: &Arc<InboxSignals>, user: UserId) -> InboxSignal {
        let receiver = self.lock().entry(user).or_insert_with(|| watch::Sender::new(())).subscribe();
        InboxSignal { signals: Arc::clone(self), user, receiver }
    }

    /// Signals the subscribers of these users.
    pub fn notify(&self, users: impl IntoIterator<Item = UserId>) {
        let senders = self.lock();
        users.into_iter().filter_map(|user| senders.get(&user)).for_each(|sender| sender.send_replace(()));
    }

    /// Signals every subscriber, because signals may have been lost.
    pub fn notify_all(&self) {
        self.lock().values().for_each(|sender| sender.send_replace(()));
    }
}

impl InboxSignal {
    /// Waits for a signal that was sent since the last call returned.
    pub async fn changed(&mut self) {
        // The sender lives while there is a receiver.
        let _ = self.receiver.changed().await;
    }
}

impl Drop for InboxSignal {
    fn drop(&mut self) {
        let mut senders = self.signals.lock();
        if senders.get(&self.user).is_some_and(|sender| sender.receiver_count() <= 1) {
            senders.remove(&self.user);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;
    use uuid::Uuid;

    fn is_signaled(signal: &mut InboxSignal) -> bool {
        signal.changed().now_or_never().is_some()
    }

    #[test]
    fn inbox_signal_wakes_each_subscriber_of_the_user_once() {
        let signals = Arc::new(InboxSignals::default());
        let (ada, bob) = (UserId(Uuid::from_u128(1)), UserId(Uuid::from_u128(2)));
        let (mut one, mut other, mut bobs) =
            (signals.subscribe(ada), signals.subscribe(ada), signals.subscribe(bob));
        assert!(!is_signaled(&mut one));
        signals.notify([ada, ada]);
        assert_eq!(
            [is_signaled(&mut one), is_signaled(&mut one), is_signaled(&mut other), is_signaled(&mut bobs)],
            [true, false, true, false]
        );
        signals.notify_all();
        assert!(is_signaled(&mut one) && is_signaled(&mut bobs));
    }

    #[test]
    fn inbox_signal_is_removed_with_its_last_subscriber() {
        let signals = Arc::new(InboxSignals::default());
        let ada = UserId(Uuid::from_u128(1));
        let (one, mut other) = (signals.subscribe(ada), signals.subscribe(ada));
        drop(one);
        signals.notify([ada]);
        assert!(is_signaled(&mut other));
        drop(other);
        assert!(signals.lock().is_empty());
    }
}
