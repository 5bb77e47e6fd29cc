//! Staleness of the read models: the time since they were last known to be complete.
//!
//! The head of the event store is read first, and then the checkpoint of the read models. If the checkpoint
//! has reached the head, the read models were complete when the head was read. While the store is unavailable
//! or the read models do not advance, the staleness grows.

use auction_wire::PartitionId;
use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// Maximum number of heads kept per partition while the read models have not reached them.
const MAX_HEADS: usize = 1000;

/// Staleness of each partition.
#[derive(Debug)]
pub(super) struct StalenessTracker(Vec<Mutex<Partition>>);

#[derive(Debug, Default)]
struct Partition {
    /// The last time the read models were known to be complete.
    complete_at: Option<Instant>,
    /// Heads that the read models have not reached yet, each with the time when it was read.
    unreached: VecDeque<(Instant, u64)>,
}

impl StalenessTracker {
    pub(super) fn new(partitions: usize) -> StalenessTracker {
        StalenessTracker((0..partitions).map(|_| Mutex::default()).collect())
    }

    fn lock(&self, partition: PartitionId) -> Option<std::sync::MutexGuard<'_, Partition>> {
        // A panic cannot leave the state inconsistent.
        Some(self.0.get(usize::from(partition.0))?.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Records a head of the event store.
    pub(super) fn on_head(&self, partition: PartitionId, read_at: Instant, head: u64) {
        let Some(mut state) = self.lock(partition) else { return };
        if let Some((last_read_at, last)) = state.unreached.back_mut()
            && *last == head
        {
            *last_read_at = read_at;
        } else if state.unreached.len() < MAX_HEADS {
            state.unreached.push_back((read_at, head));
        }
    }

    /// Records a checkpoint of the read models.
    pub(super) fn on_checkpoint(&self, partition: PartitionId, checkpoint: u64) {
        let Some(mut state) = self.lock(partition) else { return };
        while let Some((read_at, _)) =
            state.unreached.front().filter(|(_, head)| *head <= checkpoint).copied()
        {
            state.complete_at = Some(read_at);
            state.unreached.pop_front();
        }
    }

    /// Returns the staleness of the stalest of these partitions; none if one of them was never known to be
    /// complete.
    pub(super) fn max_age(&self, partitions: &[PartitionId]) -> Option<Duration> {
        let age = |partition: &PartitionId| Some(self.lock(*partition)?.complete_at?.elapsed());
        partitions.iter().map(age).collect::<Option<Vec<_>>>()?.into_iter().max()
    }
}
