//! Writers that take turns under a partition lock, on real streams.

use crate::stream_harness::{Streams, streams};
use auction_app::ports::Unavailable;
use auction_app::ports::events::partition_lock::{PartitionLock, PartitionLockConnector};
use auction_app::writer::close_clock::CloseClock;
use auction_app::writer::decider::DeciderConfig;
use auction_app::writer::dispatch::DecideFn;
use auction_app::writer::partition_writer::{self, PartitionWriter};
use auction_app::writer::snapshots::{SnapshotPolicy, snapshots};
use auction_app::writer::unknown_kinds::UnknownKinds;
use auction_domain::{AuctionId, UserId};
use auction_testkit::contract::command_stream::{Fields, StreamHarness};
use auction_testkit::fixtures::{P, create_user, fresh, place_bid};
use auction_testkit::local_servers::eventually;
use auction_testkit::memory::MemoryStore;
use auction_wire::{Command, PartitionId};
use std::num::{NonZeroU64, NonZeroUsize};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;
use worker_runtime::Supervisor;
use worker_runtime::shutdown::shutdown_pair;

fn fields(command: &Command) -> Fields {
    command.to_fields().into_iter().map(|(name, value)| (name.into(), value)).collect()
}

/// Partition lock of the only writer, which adds a new user at the beginning of every turn.
#[derive(Clone)]
struct Trickle {
    streams: Arc<Streams>,
    turns: Arc<AtomicUsize>,
}

impl PartitionLockConnector for Trickle {
    type Lock = Trickle;
    async fn open(&self, _: PartitionId) -> Result<Trickle, Unavailable> {
        Ok(self.clone())
    }
}

impl PartitionLock for Trickle {
    async fn take(&mut self) -> Result<bool, Unavailable> {
        let user = create_user(UserId(fresh()));
        self.streams.add(user.body.channel(), fields(&user)).await;
        self.turns.fetch_add(1, Relaxed);
        Ok(true)
    }
    async fn release(&mut self) -> Result<(), Unavailable> {
        Ok(())
    }
}

#[tokio::test]
async fn bids_do_not_starve_under_a_trickle_of_creations() {
    let streams = Arc::new(streams().await);
    let turns = Arc::new(AtomicUsize::new(0));
    let trickle = Trickle { streams: streams.clone(), turns: turns.clone() };
    let bid = place_bid(AuctionId(fresh()), UserId(fresh()), 100);
    streams.add(bid.body.channel(), fields(&bid)).await;
    let some = NonZeroUsize::new(100).unwrap();
    let often = NonZeroU64::new(1_000_000).unwrap();
    let config = DeciderConfig {
        aggregates: some,
        active_users: some,
        decide: DecideFn::default(),
        snapshots: SnapshotPolicy { events: often, bytes: often },
        close_clock: CloseClock::UNCHECKED,
    };
    let (store, command_streams, (snapshots, _waiting), (trigger, stop)) =
        (MemoryStore::default(), streams.pessimistic_streams(10), snapshots(), shutdown_pair());
    let writer = PartitionWriter {
        partition: P,
        config,
        snapshots,
        unknown_kinds: UnknownKinds::new(Duration::ZERO),
        supervisor: Supervisor::without_health("writer", stop),
    };
    let stores = store.clone();
    let running = tokio::spawn(async move {
        partition_writer::run(&stores, &command_streams, Some(&trickle), writer).await
    });
    eventually("some turns have passed", async || turns.load(Relaxed) >= 4).await;
    let turns = turns.load(Relaxed);
    let outcomes = store.all_outcomes();
    trigger.stop();
    running.await.unwrap().unwrap();
    assert!(outcomes.contains_key(&bid.id), "{turns} turns decided {} creations and no bid", outcomes.len());
    assert_eq!(streams.pending().await, 0);
}
