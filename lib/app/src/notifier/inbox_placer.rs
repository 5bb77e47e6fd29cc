//! Places the outgoing notifications to the users of one partition.

use crate::instrumentation;
use crate::notifier::PlacementSignal;
use crate::ports::Unavailable;
use crate::ports::notifications::notification_sink::NotificationSink;
use crate::ports::notifications::placement::{
    OutgoingGroup, PlacementBatch, PlacementProgress, PlacementResult, PlacementStore,
};
use auction_wire::PartitionId;
use std::time::Duration;
use tokio::time::Instant;
use worker_runtime::Supervisor;

/// Maximum number of placed batches whose groups are removed later together: each removal waits for the disk.
const REMOVE_AFTER: usize = 20;

/// Configuration of a placer.
#[derive(Clone, Copy, Debug)]
pub struct PlacerConfig {
    /// Number of outgoing groups that are placed in one transaction.
    pub batch: usize,
    /// Shortest time between two looks for outgoing notifications, so that more are placed together. A placer
    /// that has rested looks at once.
    pub linger: Duration,
    /// Time after which a placer looks for outgoing notifications without a signal, in case that one was lost.
    pub check_interval: Duration,
}

/// Places the notifications of one user partition. Two placers of a partition do no harm: each batch is based on
/// a version of the progress.
pub struct InboxPlacer<S, D> {
    store: S,
    sink: D,
    users: PartitionId,
    config: PlacerConfig,
    /// Progress that this placer has stored or read; `None` at the start and after an error.
    progress: Option<PlacementProgress>,
    /// Number of placed batches that may not be removed yet.
    unremoved: usize,
}

impl<S: PlacementStore, D: NotificationSink> InboxPlacer<S, D> {
    pub fn new(store: S, sink: D, users: PartitionId, config: PlacerConfig) -> InboxPlacer<S, D> {
        InboxPlacer { store, sink, users, config, progress: None, unremoved: 0 }
    }

    /// Places notifications when it is signalled, until shutdown. Retries unavailable backends forever.
    pub async fn run(mut self, signal: PlacementSignal, supervisor: Supervisor) {
        let mut stop = supervisor.stop();
        while !supervisor.stopping() {
            let began = Instant::now();
            if supervisor.attempt(self.place_all(&supervisor)).await.is_none() {
                continue;
            }
            tokio::select! {
                () = signal.notified() => {}
                () = tokio::time::sleep(self.config.check_interval) => {}
                () = stop.wait() => {}
            }
            supervisor.sleep(self.config.linger.saturating_sub(began.elapsed())).await;
        }
    }

    /// Places outgoing notifications until there are no more, or until shutdown.
    async fn place_all(&mut self, supervisor: &Supervisor) -> Result<(), Unavailable> {
        while !supervisor.stopping() {
            let progress = match self.progress.take() {
                Some(progress) => progress,
                None => self.load_progress().await?,
            };
            let outgoing = self.store.outgoing(self.users, &progress, self.config.batch).await?;
            if self.unremoved > 0 && (outgoing.is_empty() || self.unremoved >= REMOVE_AFTER) {
                self.store.remove_placed(self.users, &progress).await?;
                self.unremoved = 0;
            }
            if outgoing.is_empty() {
                self.progress = Some(progress);
                return Ok(());
            }
            self.place(progress, outgoing).await?;
            supervisor.progressed();
        }
        Ok(())
    }

    async fn load_progress(&mut self) -> Result<PlacementProgress, Unavailable> {
        let progress = self.store.progress(self.users).await?;
        // Another placer, or an attempt whose answer was lost, may have placed a batch.
        self.unremoved += 1;
        // After the progress was read: what was placed before it may never have been delivered.
        self.sink.begin(self.users).await?;
        Ok(progress)
    }

    async fn place(
        &mut self,
        progress: PlacementProgress,
        outgoing: Vec<OutgoingGroup>,
    ) -> Result<(), Unavailable> {
        let PlacementProgress { version, mut placed } = progress;
        // The groups of each partition are ordered by number.
        placed.extend(outgoing.iter().map(|group| (group.partition, group.number)));
        let notifications = outgoing.into_iter().flat_map(|group| group.notifications).collect();
        let batch = PlacementBatch { users: self.users, version, placed, notifications };
        let PlacementResult::Done(wanted) = self.store.place(&batch).await? else {
            instrumentation::conflict("notifier", self.users, "placement_moved");
            // The progress is loaded again. It moves with each conflict, so that one of two placers goes on.
            return Ok(());
        };
        // The batch is placed and will not be placed again. If the delivery fails, the next attempt begins with
        // `begin`, which covers it.
        if !wanted.is_empty() {
            self.sink.deliver(&wanted).await?;
            instrumentation::notified(self.users, wanted.len());
        }
        self.progress = Some(PlacementProgress { version: version + 1, placed: batch.placed });
        self.unremoved += 1;
        Ok(())
    }
}
