//! Snapshots: the state of auctions with many events, so that a lane need not fold all of them when the auction
//! is not in memory.
//!
//! A lane decides ahead of what is stored, so its state may hold events that never happen. Therefore a
//! snapshot goes with the batch after which it was taken, and is offered here only when that batch is stored;
//! if the batch is not, both are dropped.
//!
//! A snapshot is a cache: it is written beside the lanes, on a connection of its own, and skipped when that
//! one is behind. Losing one costs time alone.

use crate::ports::events::event_store::{EventStore, EventStoreConnector};
use auction_domain::auction::AuctionState;
use auction_wire::SnapshotRecord;
use std::num::NonZeroU64;
use tokio::sync::mpsc;
use uuid::Uuid;
use worker_runtime::shutdown::ShutdownSignal;

/// At most so many snapshots wait to be written.
const WAITING: usize = 8;

/// When an auction gets its next snapshot.
#[derive(Clone, Copy, Debug)]
pub struct SnapshotPolicy {
    /// After so many events.
    pub events: NonZeroU64,
    /// After events of so many bytes.
    pub bytes: NonZeroU64,
}

/// How much has happened to an auction, and how much of it is in its last snapshot.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct SnapshotProgress {
    kept: Size,
    since: Size,
}

#[derive(Clone, Copy, Debug, Default)]
struct Size {
    events: u64,
    bytes: u64,
}

impl SnapshotProgress {
    /// One more event of so many bytes.
    pub(super) fn add(&mut self, bytes: usize) {
        self.since.events += 1;
        self.since.bytes += bytes as u64;
    }

    /// Whether the next snapshot is due. A large auction gets one when it has grown by half: each takes time
    /// with the size of the auction, and so all of them together cost each event the same.
    pub(super) fn is_due(&self, rules: SnapshotPolicy) -> bool {
        self.since.events >= rules.events.get().max(self.kept.events / 2)
            || self.since.bytes >= rules.bytes.get().max(self.kept.bytes / 2)
    }

    /// Everything so far is in a snapshot.
    pub(super) fn kept(&mut self) {
        self.kept.events += self.since.events;
        self.kept.bytes += self.since.bytes;
        self.since = Size::default();
    }

    /// Of an auction that was read from a snapshot.
    pub(super) fn of(snapshot: &SnapshotRecord) -> SnapshotProgress {
        let kept = Size { events: snapshot.version, bytes: snapshot.body.len() as u64 };
        SnapshotProgress { kept, since: Size::default() }
    }
}

/// The state of an auction after a batch.
#[derive(Clone, Debug)]
pub(super) struct Snapshot {
    pub(super) key: Uuid,
    /// The position of the partition as of which it is.
    pub(super) position: u64,
    pub(super) memento: AuctionState,
}

/// Where lanes leave snapshots of what is stored.
#[derive(Clone, Debug)]
pub struct SnapshotSender(mpsc::Sender<Snapshot>);

/// Snapshots that wait to be written.
#[derive(Debug)]
pub struct SnapshotReceiver(mpsc::Receiver<Snapshot>);

/// A pair of both.
pub fn snapshots() -> (SnapshotSender, SnapshotReceiver) {
    let (sender, receiver) = mpsc::channel(WAITING);
    (SnapshotSender(sender), SnapshotReceiver(receiver))
}

impl SnapshotSender {
    /// Leaves one to be written, unless too many wait already.
    pub(super) fn offer(&self, snapshot: Snapshot) {
        if let Err(full) = self.0.try_send(snapshot) {
            tracing::debug!(key = %full.into_inner().key, "a snapshot is skipped");
        }
    }
}

/// Writes snapshots until it is time to stop. One that cannot be written is dropped.
pub async fn run_snapshot_writer(
    stores: &impl EventStoreConnector,
    mut waiting: SnapshotReceiver,
    mut stop: ShutdownSignal,
) {
    let mut connection = None;
    loop {
        let snapshot = tokio::select! {
            snapshot = waiting.0.recv() => snapshot,
            () = stop.wait() => None,
        };
        let Some(Snapshot { key, position, memento }) = snapshot else { return };
        // It may take tens of milliseconds, in which nothing else would run on this thread.
        let written = tokio::task::spawn_blocking(move || SnapshotRecord::of(key, position, &memento));
        let Ok(record) = written.await else { continue };
        let saved = async {
            let mut store = match connection.take() {
                Some(store) => store,
                None => stores.open().await?,
            };
            store.save_snapshot(&record).await.map(|()| store)
        };
        match saved.await {
            Ok(store) => connection = Some(store),
            Err(error) => tracing::warn!(%key, %error, "a snapshot is lost"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: SnapshotPolicy = SnapshotPolicy {
        events: NonZeroU64::new(1_000).unwrap(),
        bytes: NonZeroU64::new(1_000_000).unwrap(),
    };

    fn snapshots_of(events: u64, bytes: usize) -> Vec<u64> {
        let mut growth = SnapshotProgress::default();
        let mut at = Vec::new();
        for event in 1..=events {
            growth.add(bytes);
            if growth.is_due(RULES) {
                growth.kept();
                at.push(event);
            }
        }
        at
    }

    #[test]
    fn all_snapshots_together_cost_an_event_the_same_however_many_there_are() {
        let at = snapshots_of(100_000, 100);
        assert_eq!(at[..4], [1_000, 2_000, 3_000, 4_500]);
        assert!(at.iter().sum::<u64>() < 4 * 100_000, "bids are copied less than four times each: {at:?}");
        assert!(at.last().unwrap() * 3 / 2 > 100_000, "at most a third of the events is behind the last one");
    }

    #[test]
    fn large_events_bring_a_snapshot_sooner() {
        assert_eq!(snapshots_of(1_000, 200_000)[..5], [5, 10, 15, 23, 35]);
    }
}
