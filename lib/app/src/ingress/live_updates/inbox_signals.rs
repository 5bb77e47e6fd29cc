//! Users who listen for what they are told, and who is told something just now.

use auction_domain::UserId;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

/// A bell for each user who listens. That it rings means: look into your inbox. It may ring for nothing, and what it
/// is rung for is found at the latest when it rings next.
#[derive(Debug, Default)]
pub struct InboxSignals(Mutex<HashMap<UserId, watch::Sender<()>>>);

/// The bell of one listener.
#[derive(Debug)]
pub struct InboxSignal {
    bells: Arc<InboxSignals>,
    user: UserId,
    rung: watch::Receiver<()>,
}

impl InboxSignals {
    fn lock(&self) -> MutexGuard<'_, HashMap<UserId, watch::Sender<()>>> {
        // Each change is one call: it is whole also after a panic.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A bell for that user. From now on it is heard.
    pub fn listen(self: &Arc<InboxSignals>, user: UserId) -> InboxSignal {
        let rung = self.lock().entry(user).or_insert_with(|| watch::Sender::new(())).subscribe();
        InboxSignal { bells: Arc::clone(self), user, rung }
    }

    /// These users are told something.
    pub fn notify(&self, users: impl IntoIterator<Item = UserId>) {
        let bells = self.lock();
        users.into_iter().filter_map(|user| bells.get(&user)).for_each(|bell| bell.send_replace(()));
    }

    /// Somebody may have been told something.
    pub fn notify_all(&self) {
        self.lock().values().for_each(|bell| bell.send_replace(()));
    }
}

impl InboxSignal {
    /// Waits until it was rung since the last time that it was heard.
    pub async fn changed(&mut self) {
        // Its other half lives as long as there is a bell.
        let _ = self.rung.changed().await;
    }
}

impl Drop for InboxSignal {
    fn drop(&mut self) {
        let mut bells = self.bells.lock();
        if bells.get(&self.user).is_some_and(|bell| bell.receiver_count() <= 1) {
            bells.remove(&self.user);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;
    use uuid::Uuid;

    fn hears(bell: &mut InboxSignal) -> bool {
        bell.changed().now_or_never().is_some()
    }

    #[test]
    fn who_is_told_something_hears_it_once_and_nobody_else_does() {
        let bells = Arc::new(InboxSignals::default());
        let (ada, bob) = (UserId(Uuid::from_u128(1)), UserId(Uuid::from_u128(2)));
        let (mut one, mut other, mut bobs) = (bells.listen(ada), bells.listen(ada), bells.listen(bob));
        assert!(!hears(&mut one));
        bells.notify([ada, ada]);
        assert_eq!(
            [hears(&mut one), hears(&mut one), hears(&mut other), hears(&mut bobs)],
            [true, false, true, false]
        );
        bells.notify_all();
        assert!(hears(&mut one) && hears(&mut bobs));
    }

    #[test]
    fn nothing_is_kept_of_who_has_gone() {
        let bells = Arc::new(InboxSignals::default());
        let ada = UserId(Uuid::from_u128(1));
        let (one, mut other) = (bells.listen(ada), bells.listen(ada));
        drop(one);
        bells.notify([ada]);
        assert!(hears(&mut other));
        drop(other);
        assert!(bells.lock().is_empty());
    }
}
