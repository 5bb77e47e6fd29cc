//! Snapshots of auctions with many events, so that a partition writer does not fold all events to load an
//! auction.
//!
//! A decider works ahead of the store, so its state may contain events that are never stored. Therefore a
//! snapshot is attached to the batch after which it was taken, and is sent only when that batch is stored. If
//! the append fails, both are dropped.
//!
//! Snapshots are a cache. They are written in a separate task and connection, and skipped when that task
//! lags. Losing a snapshot only costs time.

use crate::ports::events::event_store::{EventStore, EventStoreConnector};
use auction_domain::auction::AuctionState;
use auction_wire::SnapshotRecord;
use std::num::NonZeroU64;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::timeout;
use uuid::Uuid;
use worker_runtime::Supervisor;

/// Longest time to wait for a snapshot before the task reports that it is alive.
const IDLE_INTERVAL: Duration = Duration::from_secs(1);

/// Maximum number of snapshots that wait to be written.
const MAX_WAITING: usize = 8;

/// When an auction gets its next snapshot: after this many events or bytes since the last one.
#[derive(Clone, Copy, Debug)]
pub struct SnapshotPolicy {
    pub events: NonZeroU64,
    pub bytes: NonZeroU64,
}

/// Size of an auction's last snapshot, and of the events since.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct SnapshotProgress {
    in_snapshot: Size,
    since: Size,
}

#[derive(Clone, Copy, Debug, Default)]
struct Size {
    events: u64,
    bytes: u64,
}

impl SnapshotProgress {
    /// Counts an event of `bytes` bytes.
    pub(super) fn add(&mut self, bytes: usize) {
        self.since.events += 1;
        self.since.bytes += bytes as u64;
    }

    /// Returns whether the next snapshot is due.
    ///
    /// A large auction gets one each time it has grown by half. The cost of a snapshot is proportional to the
    /// size of the auction, so the total cost per event is constant.
    pub(super) fn is_due(&self, policy: SnapshotPolicy) -> bool {
        self.since.events >= policy.events.get().max(self.in_snapshot.events / 2)
            || self.since.bytes >= policy.bytes.get().max(self.in_snapshot.bytes / 2)
    }

    /// Counts all events so far as part of the last snapshot.
    pub(super) fn reset(&mut self) {
        self.in_snapshot.events += self.since.events;
        self.in_snapshot.bytes += self.since.bytes;
        self.since = Size::default();
    }

    /// Returns the progress of an auction that was loaded from a snapshot.
    pub(super) fn of(snapshot: &SnapshotRecord) -> SnapshotProgress {
        let in_snapshot = Size { events: snapshot.version, bytes: snapshot.body.len() as u64 };
        SnapshotProgress { in_snapshot, since: Size::default() }
    }
}

/// State of an auction after a batch.
#[derive(Clone, Debug)]
pub(super) struct Snapshot {
    pub(super) key: Uuid,
    /// Position of the partition that the state corresponds to.
    pub(super) position: u64,
    pub(super) state: AuctionState,
}

/// Sends snapshots of stored state to the snapshot writer.
#[derive(Clone, Debug)]
pub struct SnapshotSender(mpsc::Sender<Snapshot>);

/// Receives the snapshots to write.
#[derive(Debug)]
pub struct SnapshotReceiver(mpsc::Receiver<Snapshot>);

/// Creates a bounded channel for snapshots.
pub fn snapshots() -> (SnapshotSender, SnapshotReceiver) {
    let (sender, receiver) = mpsc::channel(MAX_WAITING);
    (SnapshotSender(sender), SnapshotReceiver(receiver))
}

impl SnapshotSender {
    /// Sends a snapshot; drops it if too many are waiting.
    pub(super) fn offer(&self, snapshot: Snapshot) {
        if let Err(full) = self.0.try_send(snapshot) {
            tracing::debug!(key = %full.into_inner().key, "snapshot skipped: snapshot writer lags");
        }
    }
}

/// Writes snapshots until shutdown. Drops those that cannot be written.
pub async fn run_snapshot_writer(
    stores: &impl EventStoreConnector,
    mut snapshots: SnapshotReceiver,
    supervisor: Supervisor,
) {
    let (mut connection, mut stop) = (None, supervisor.stop());
    loop {
        let snapshot = tokio::select! {
            snapshot = timeout(IDLE_INTERVAL, snapshots.0.recv()) => snapshot,
            () = stop.wait() => return,
        };
        let Ok(snapshot) = snapshot else {
            supervisor.succeeded();
            continue;
        };
        let Some(Snapshot { key, position, state }) = snapshot else { return };
        // Encoding may take tens of milliseconds, which would block other tasks of this thread.
        let encoded = tokio::task::spawn_blocking(move || SnapshotRecord::of(key, position, &state));
        let Ok(record) = encoded.await else { continue };
        let saved = async {
            let mut store = match connection.take() {
                Some(store) => store,
                None => stores.open().await?,
            };
            store.save_snapshot(&record).await.map(|()| store)
        };
        match saved.await {
            Ok(store) => connection = Some(store),
            Err(error) => tracing::warn!(%key, %error, "snapshot not saved"),
        }
        // Also after a failure: snapshots are a cache, and the writer is ready without them.
        supervisor.succeeded();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: SnapshotPolicy = SnapshotPolicy {
        events: NonZeroU64::new(1_000).unwrap(),
        bytes: NonZeroU64::new(1_000_000).unwrap(),
    };

    fn snapshots_of(events: u64, bytes: usize) -> Vec<u64> {
        let mut progress = SnapshotProgress::default();
        let mut at = Vec::new();
        for event in 1..=events {
            progress.add(bytes);
            if progress.is_due(POLICY) {
                progress.reset();
                at.push(event);
            }
        }
        at
    }

    #[test]
    fn total_snapshot_cost_is_linear_in_events() {
        let at = snapshots_of(100_000, 100);
        assert_eq!(at[..4], [1_000, 2_000, 3_000, 4_500]);
        assert!(at.iter().sum::<u64>() < 4 * 100_000, "bids are copied less than four times each: {at:?}");
        assert!(
            at.last().unwrap() * 3 / 2 > 100_000,
            "at most a third of the events is after the last snapshot"
        );
    }

    #[test]
    fn snapshot_is_due_sooner_with_large_events() {
        assert_eq!(snapshots_of(1_000, 200_000)[..5], [5, 10, 15, 23, 35]);
    }
}
