//! Requests that wait for the views, in paused time.

use auction_app::ingress::read_consistency::ConsistencyWaiter;
use auction_app::ports::events::event_store::{EventStore, EventStoreConnector};
use auction_app::ports::views::read_models::{ReadModelConnector, ReadModelWriter};
use auction_testkit::fixtures::{P, batch, fresh, user_created};
use auction_testkit::memory::{MemoryStore, MemoryViews};
use auction_wire::{PartitionCount, PartitionId, Positions};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use worker_runtime::shutdown::{ShutdownTrigger, shutdown_pair};

/// The other partition.
const Q: PartitionId = PartitionId(1);

struct World {
    views: MemoryViews,
    store: MemoryStore,
    freshness: Arc<ConsistencyWaiter>,
    stopper: ShutdownTrigger,
}

fn world() -> World {
    let (views, store) = (MemoryViews::default(), MemoryStore::default());
    let freshness = Arc::new(ConsistencyWaiter::new(PartitionCount::new(2).unwrap()));
    let (stopper, stop) = shutdown_pair();
    let (running, of_views, of_store) = (Arc::clone(&freshness), views.clone(), store.clone());
    tokio::spawn(async move { running.run(&of_views, &of_store, stop).await });
    World { views, store, freshness, stopper }
}

impl World {
    async fn show(&self, partition: PartitionId, from: u64, to: u64) {
        self.views.open(partition).await.unwrap().commit(from, to, &[]).await.unwrap();
    }

    /// Waits in a task of its own, at most ten seconds.
    fn wait(&self, wanted: &[(PartitionId, u64)]) -> tokio::task::JoinHandle<bool> {
        let (freshness, wanted) =
            (Arc::clone(&self.freshness), wanted.iter().copied().collect::<Positions>());
        let until = Instant::now() + Duration::from_secs(10);
        tokio::spawn(async move { freshness.wait_for(&wanted, until).await })
    }
}

/// Everybody else gets his turn.
async fn a_while() {
    tokio::time::sleep(Duration::from_millis(50)).await;
}

#[tokio::test(start_paused = true)]
async fn who_waits_goes_on_when_the_views_are_far_enough_and_not_before() {
    let world = world();
    world.show(P, 0, 5).await;
    let (near, far, both) = (world.wait(&[(P, 5)]), world.wait(&[(P, 7)]), world.wait(&[(P, 6), (Q, 1)]));
    a_while().await;
    assert_eq!([near.is_finished(), far.is_finished(), both.is_finished()], [true, false, false]);
    world.show(P, 5, 7).await;
    a_while().await;
    assert_eq!([far.is_finished(), both.is_finished()], [true, false], "one partition is not there yet");
    world.show(Q, 0, 2).await;
    assert!(near.await.unwrap() && far.await.unwrap() && both.await.unwrap());
}

#[tokio::test(start_paused = true)]
async fn who_waits_in_vain_is_told_at_the_end_of_his_time() {
    let world = world();
    let began = Instant::now();
    assert!(!world.wait(&[(P, 1)]).await.unwrap());
    assert_eq!(began.elapsed().as_secs(), 10);
}

#[tokio::test(start_paused = true)]
async fn one_look_is_for_everybody_and_nobody_looks_while_nobody_waits() {
    let world = world();
    a_while().await;
    assert!(world.views.looks() <= 1, "to see how old they are");
    let waiting: Vec<_> = (0..1000).map(|_| world.wait(&[(P, 1), (Q, 1)])).collect();
    a_while().await;
    let looks = world.views.looks();
    assert!((2..=50).contains(&looks), "{looks} looks for a thousand");
    world.show(P, 0, 1).await;
    world.show(Q, 0, 1).await;
    for waiting in waiting {
        assert!(waiting.await.unwrap());
    }
    a_while().await;
    let looks = world.views.looks();
    a_while().await;
    assert_eq!(world.views.looks(), looks, "all are gone");
}

#[tokio::test(start_paused = true)]
async fn what_redis_has_lost_does_not_count() {
    let world = world();
    world.show(P, 0, 5).await;
    assert!(world.wait(&[(P, 5)]).await.unwrap());
    a_while().await;
    world.views.lose();
    let waiting = world.wait(&[(P, 5)]);
    a_while().await;
    assert!(!waiting.is_finished());
    world.show(P, 0, 5).await;
    assert!(waiting.await.unwrap());
}

#[tokio::test(start_paused = true)]
async fn views_are_as_old_as_it_is_long_that_they_were_known_to_be_complete() {
    let world = world();
    let age = |of: &[PartitionId]| world.freshness.age(of).map(|age| age.as_secs());
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(age(&[P, Q]), Some(0), "nothing is all there is");
    let mut store = world.store.open().await.unwrap();
    store.append(&batch(0, vec![(fresh(), 1, user_created())])).await.unwrap();
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!((age(&[P]), age(&[Q]), age(&[P, Q])), (Some(5), Some(0), Some(5)), "an event is not shown");
    world.show(P, 0, 1).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(age(&[P, Q]), Some(0));
    world.stopper.stop();
    tokio::time::sleep(Duration::from_secs(7)).await;
    assert_eq!(age(&[P]), Some(7), "nobody knows any more");
}

#[tokio::test(start_paused = true)]
async fn the_latest_is_what_the_store_holds_and_waiting_ends_with_the_process() {
    let world = world();
    assert_eq!(world.freshness.current_heads().await.unwrap(), Positions::default());
    let mut store = world.store.open().await.unwrap();
    store.append(&batch(0, vec![(fresh(), 1, user_created())])).await.unwrap();
    assert_eq!(world.freshness.current_heads().await.unwrap(), Positions::of(P, 1));
    world.stopper.stop();
    a_while().await;
    assert!(!world.wait(&[(P, 1)]).await.unwrap());
}
