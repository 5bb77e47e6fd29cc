//! Components that run in tasks.

use auction_app::auctioneer::closing::{self, ClosingHandler, ClosingSchedule};
use auction_app::consume::{ConsumeError, EventHandler, SubscriptionConfig, run_consumer};
use auction_app::ports::commands::command_queue::CommandQueue;
use auction_app::ports::events::event_store::EventStoreConnector;
use auction_app::ports::people::accounts::PersonalDataErasure;
use auction_app::ports::people::user_deletions::UserDeletions;
use auction_redis::event_stream::RedisEventStreams;
use auction_simulation::streams::partitions;
use auction_testkit::fixtures::P;
use auction_testkit::memory::{MemoryParkedEvents, MemoryRevocations};
use futures_util::future::try_join_all;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use worker_runtime::Supervisor;
use worker_runtime::shutdown::{ShutdownSignal, ShutdownTrigger, shutdown_pair};

/// Task with its shutdown.
pub(crate) struct RunningTask<T>(ShutdownTrigger, JoinHandle<T>);

impl<T: Send + 'static> RunningTask<T> {
    pub(crate) fn start<F>(run: impl FnOnce(ShutdownSignal) -> F) -> RunningTask<T>
    where
        F: Future<Output = T> + Send + 'static,
    {
        let (stopper, stop) = shutdown_pair();
        RunningTask(stopper, tokio::spawn(run(stop)))
    }

    pub(crate) async fn stop(self) -> T {
        self.0.stop();
        self.1.await.unwrap()
    }

    /// Ends the task at any point, as `kill -9` does.
    pub(crate) fn kill(&self) {
        self.1.abort();
    }

    pub(crate) async fn ended(self) -> T {
        self.1.await.unwrap()
    }
}

pub(crate) type RunningConsumer = RunningTask<Result<(), ConsumeError>>;

pub(crate) fn start_consumer<S>(
    component: &'static str,
    stores: S,
    streams: RedisEventStreams,
    parking: MemoryParkedEvents,
    handler: impl EventHandler + 'static,
) -> RunningConsumer
where
    S: EventStoreConnector<Store: 'static> + 'static,
{
    RunningTask::start(|stop| async move {
        let supervisor = Supervisor::without_health(component, stop);
        let subscription = SubscriptionConfig { component, partition: P, supervisor };
        run_consumer(&stores, &streams, &parking, subscription, handler).await
    })
}

/// Starts the event consumer and the closing loop of an auctioneer.
pub(crate) fn start_auctioneer<S>(
    stores: S,
    streams: RedisEventStreams,
    queue: impl CommandQueue + 'static,
) -> RunningTask<()>
where
    S: EventStoreConnector<Store: 'static> + UserDeletions + PersonalDataErasure + 'static,
{
    RunningTask::start(|stop| async move {
        let (schedule, departed) = (Arc::new(ClosingSchedule::default()), Arc::new(Notify::new()));
        let parking = MemoryParkedEvents::default();
        let consumers = partitions().all().map(|partition| {
            let handler = ClosingHandler::new(partition, Arc::clone(&schedule), Arc::clone(&departed));
            let supervisor = Supervisor::without_health("auctioneer", stop.clone());
            let subscription = SubscriptionConfig { component: "auctioneer", partition, supervisor };
            run_consumer(&stores, &streams, &parking, subscription, handler)
        });
        let (partitions, revocations) = (partitions(), MemoryRevocations);
        let supervisor = Supervisor::without_health("closing", stop.clone());
        let (consumed, ()) = tokio::join!(
            try_join_all(consumers),
            closing::run(&queue, &stores, &revocations, &schedule, &departed, partitions, supervisor),
        );
        consumed.unwrap();
    })
}

/// Polls until a condition holds, in paused time.
pub(crate) async fn until(what: &str, holds: impl AsyncFn() -> bool) {
    let waited = tokio::time::timeout(Duration::from_secs(3600), async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    });
    assert!(waited.await.is_ok(), "did not happen: {what}");
}

/// Runs schedules with the seeds up to `count`. Each injects failures and returns their number.
pub(crate) async fn run_schedules(count: u64, schedule: impl AsyncFn(u64) -> u64) {
    let mut failures = 0;
    for seed in 0..count {
        // Shows the failing seed.
        eprintln!("seed {seed}");
        failures += schedule(seed).await;
    }
    assert!(failures > 5 * count, "{failures} failures were injected");
}
