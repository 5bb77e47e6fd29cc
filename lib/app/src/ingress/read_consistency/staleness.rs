//! How old what is shown may be: since when it is not known any more that the views have everything.
//!
//! The store is asked how far it is, and then the views are looked at. If they are that far, they had everything when
//! the store was asked. While the store cannot be asked, or the views stand still behind it, age grows.

use auction_wire::{PartitionId, Positions};
use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// So many answers of the store are kept while the views are behind them.
const ANSWERS: usize = 1000;

/// Since when each partition is old.
#[derive(Debug)]
pub(super) struct StalenessTracker(Vec<Mutex<Known>>);

#[derive(Debug, Default)]
struct Known {
    /// When it had everything.
    complete_at: Option<Instant>,
    /// How far the store was when, where the views are not that far.
    ahead: VecDeque<(Instant, u64)>,
}

impl StalenessTracker {
    pub(super) fn new(partitions: usize) -> StalenessTracker {
        StalenessTracker((0..partitions).map(|_| Mutex::default()).collect())
    }

    fn known(&self, partition: PartitionId) -> Option<std::sync::MutexGuard<'_, Known>> {
        // A panic while it was held cannot leave it half changed.
        Some(self.0.get(usize::from(partition.0))?.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The store said at some time how far it is.
    pub(super) fn stored(&self, partition: PartitionId, at: Instant, heads: &Positions) {
        let Some(mut known) = self.known(partition) else { return };
        let head = heads.get(partition);
        if let Some((before, same)) = known.ahead.back_mut()
            && *same == head
        {
            // Nothing happened since.
            *before = at;
        } else if known.ahead.len() < ANSWERS {
            known.ahead.push_back((at, head));
        }
    }

    /// The views were looked at.
    pub(super) fn shown(&self, partition: PartitionId, shown: &Positions) {
        let Some(mut known) = self.known(partition) else { return };
        while let Some((at, _)) =
            known.ahead.front().filter(|(_, head)| *head <= shown.get(partition)).copied()
        {
            known.complete_at = Some(at);
            known.ahead.pop_front();
        }
    }

    /// How old the oldest of these is; none if it was never known.
    pub(super) fn oldest(&self, partitions: &[PartitionId]) -> Option<Duration> {
        let age = |partition: &PartitionId| Some(self.known(*partition)?.complete_at?.elapsed());
        partitions.iter().map(age).collect::<Option<Vec<_>>>()?.into_iter().max()
    }
}
