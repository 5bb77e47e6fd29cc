//! Tests of reads that wait for the read models, in paused time.

use auction_app::ingress::read_consistency::ConsistencyWaiter;
use auction_app::ports::events::event_store::{EventStore, EventStoreConnector};
use auction_app::ports::views::read_models::{ReadModelConnector, ReadModelWriter};
use auction_testkit::fixtures::{P, batch, fresh, user_created};
use auction_testkit::memory::{MemoryStore, MemoryViews};
use auction_wire::{PartitionCount, PartitionId, Positions};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use worker_runtime::Supervisor;
use worker_runtime::shutdown::{ShutdownTrigger, shutdown_pair};

const Q: PartitionId = PartitionId(1);

struct Fixture {
    views: MemoryViews,
    store: MemoryStore,
    waiter: Arc<ConsistencyWaiter>,
    stopper: ShutdownTrigger,
}

fn fixture() -> Fixture {
    let (views, store) = (MemoryViews::default(), MemoryStore::default());
    let waiter = Arc::new(ConsistencyWaiter::new(PartitionCount::new(2).unwrap()));
    let (stopper, stop) = shutdown_pair();
    let supervisor = Supervisor::without_health("consistency", stop);
    let (running, of_views, of_store) = (Arc::clone(&waiter), views.clone(), store.clone());
    tokio::spawn(async move { running.run(&of_views, &of_store, supervisor).await });
    Fixture { views, store, waiter, stopper }
}

impl Fixture {
    async fn show(&self, partition: PartitionId, from: u64, to: u64) {
        self.views.open(partition).await.unwrap().commit(from, to, &[]).await.unwrap();
    }

    /// Waits for these positions in a separate task, at most ten seconds.
    fn wait(&self, wanted: &[(PartitionId, u64)]) -> tokio::task::JoinHandle<bool> {
        let (waiter, wanted) = (Arc::clone(&self.waiter), wanted.iter().copied().collect::<Positions>());
        let until = Instant::now() + Duration::from_secs(10);
        tokio::spawn(async move { waiter.wait_for(&wanted, until).await })
    }
}

/// Lets the other tasks run.
async fn let_others_run() {
    tokio::time::sleep(Duration::from_millis(50)).await;
}

#[tokio::test(start_paused = true)]
async fn read_waits_until_the_views_reach_the_position() {
    let fixture = fixture();
    fixture.show(P, 0, 5).await;
    let (near, far, both) =
        (fixture.wait(&[(P, 5)]), fixture.wait(&[(P, 7)]), fixture.wait(&[(P, 6), (Q, 1)]));
    let_others_run().await;
    assert_eq!([near.is_finished(), far.is_finished(), both.is_finished()], [true, false, false]);
    fixture.show(P, 5, 7).await;
    let_others_run().await;
    assert_eq!(
        [far.is_finished(), both.is_finished()],
        [true, false],
        "the other partition has not reached its position"
    );
    fixture.show(Q, 0, 2).await;
    assert!(near.await.unwrap() && far.await.unwrap() && both.await.unwrap());
}

#[tokio::test(start_paused = true)]
async fn read_wait_ends_at_its_timeout() {
    let fixture = fixture();
    let began = Instant::now();
    assert!(!fixture.wait(&[(P, 1)]).await.unwrap());
    assert_eq!(began.elapsed().as_secs(), 10);
}

#[tokio::test(start_paused = true)]
async fn waiting_reads_share_queries_and_idle_makes_none() {
    let fixture = fixture();
    let_others_run().await;
    assert!(fixture.views.checkpoint_reads() <= 1, "one query for the staleness");
    let waiting: Vec<_> = (0..1000).map(|_| fixture.wait(&[(P, 1), (Q, 1)])).collect();
    let_others_run().await;
    let queries = fixture.views.checkpoint_reads();
    assert!((2..=50).contains(&queries), "{queries} queries for 1000 reads");
    fixture.show(P, 0, 1).await;
    fixture.show(Q, 0, 1).await;
    for waiting in waiting {
        assert!(waiting.await.unwrap());
    }
    let_others_run().await;
    let queries = fixture.views.checkpoint_reads();
    let_others_run().await;
    assert_eq!(fixture.views.checkpoint_reads(), queries, "no read waits");
}

#[tokio::test(start_paused = true)]
async fn lost_views_do_not_satisfy_a_waiting_read() {
    let fixture = fixture();
    fixture.show(P, 0, 5).await;
    assert!(fixture.wait(&[(P, 5)]).await.unwrap());
    let_others_run().await;
    fixture.views.flush();
    let waiting = fixture.wait(&[(P, 5)]);
    let_others_run().await;
    assert!(!waiting.is_finished());
    fixture.show(P, 0, 5).await;
    assert!(waiting.await.unwrap());
}

#[tokio::test(start_paused = true)]
async fn staleness_counts_from_the_last_time_views_were_complete() {
    let fixture = fixture();
    let age = |of: &[PartitionId]| fixture.waiter.age(of).map(|age| age.as_secs());
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(age(&[P, Q]), Some(0), "empty views of an empty store are complete");
    let mut store = fixture.store.open().await.unwrap();
    store.append(&batch(0, vec![(fresh(), 1, user_created())])).await.unwrap();
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(
        (age(&[P]), age(&[Q]), age(&[P, Q])),
        (Some(5), Some(0), Some(5)),
        "an event is missing in the views"
    );
    fixture.show(P, 0, 1).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(age(&[P, Q]), Some(0));
    fixture.stopper.stop();
    tokio::time::sleep(Duration::from_secs(7)).await;
    assert_eq!(age(&[P]), Some(7), "the views are not checked any more");
}

#[tokio::test(start_paused = true)]
async fn latest_heads_come_from_the_store_and_waits_end_at_shutdown() {
    let fixture = fixture();
    assert_eq!(fixture.waiter.current_heads().await.unwrap(), Positions::default());
    let mut store = fixture.store.open().await.unwrap();
    store.append(&batch(0, vec![(fresh(), 1, user_created())])).await.unwrap();
    assert_eq!(fixture.waiter.current_heads().await.unwrap(), Positions::of(P, 1));
    fixture.stopper.stop();
    let_others_run().await;
    assert!(!fixture.wait(&[(P, 1)]).await.unwrap());
}
