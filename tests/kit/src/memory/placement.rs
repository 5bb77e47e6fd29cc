//! Announcements of outgoing notifications within a process.

use auction_app::notifier::PlacementSignals;
use auction_app::ports::Unavailable;
use auction_app::ports::notifications::placement::PlacementAnnouncer;
use auction_wire::PartitionId;
use std::sync::{Arc, Mutex};

/// Announcer with any number of receivers. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct MemoryAnnouncer(Arc<Mutex<Vec<PlacementSignals>>>);

impl MemoryAnnouncer {
    /// Returns the signals of a new receiver, which receives all announcements from now on.
    pub fn subscribe(&self) -> PlacementSignals {
        let signals = PlacementSignals::default();
        self.0.lock().unwrap().push(signals.clone());
        signals
    }
}

impl PlacementAnnouncer for MemoryAnnouncer {
    async fn announce(&self, users: &[PartitionId]) -> Result<(), Unavailable> {
        let receivers = self.0.lock().unwrap();
        receivers.iter().for_each(|signals| signals.wake(users.iter().copied()));
        Ok(())
    }
}
