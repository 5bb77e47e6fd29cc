//! Wake-up signals of the placers in this process.

use auction_wire::PartitionId;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// Signals of all user partitions whose notifications are placed in this process. Clones share them.
///
/// A signal means: look for outgoing notifications. A signal may be sent without any.
#[derive(Clone, Debug, Default)]
pub struct PlacementSignals(Arc<Mutex<BTreeMap<PartitionId, Arc<Notify>>>>);

/// Signal of one user partition.
#[derive(Clone, Debug)]
pub struct PlacementSignal(Arc<Notify>);

impl PlacementSignals {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<PartitionId, Arc<Notify>>> {
        // A panic cannot leave the map inconsistent: each change is one call.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the signal of a user partition.
    pub fn of(&self, users: PartitionId) -> PlacementSignal {
        PlacementSignal(Arc::clone(self.lock().entry(users).or_default()))
    }

    /// Wakes the placers of these user partitions.
    pub fn wake(&self, users: impl IntoIterator<Item = PartitionId>) {
        let signals = self.lock();
        users.into_iter().filter_map(|users| signals.get(&users)).for_each(|signal| signal.notify_one());
    }

    /// Wakes every placer, because signals may have been lost.
    pub fn wake_all(&self) {
        self.lock().values().for_each(|signal| signal.notify_one());
    }
}

impl PlacementSignal {
    /// Waits for a signal that was sent since the last call returned.
    pub async fn notified(&self) {
        self.0.notified().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;

    #[test]
    fn placement_signal_is_kept_until_it_is_received() {
        let signals = PlacementSignals::default();
        let (one, other) = (signals.of(PartitionId(1)), signals.of(PartitionId(2)));
        let is_signaled = |signal: &PlacementSignal| signal.notified().now_or_never().is_some();
        signals.wake([PartitionId(1), PartitionId(1), PartitionId(3)]);
        assert_eq!([is_signaled(&one), is_signaled(&one), is_signaled(&other)], [true, false, false]);
        signals.wake_all();
        assert!(is_signaled(&one) && is_signaled(&other));
    }
}
