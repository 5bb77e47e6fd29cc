//! Tests of the event consumer with the real projector on in-memory ports: however often it is interrupted,
//! killed, run twice or cut off from the stream, the views equal those of a rebuild.

use crate::test_portal::TestPortal;
use auction_app::consume::{ConsumeError, SubscriptionConfig, run_consumer};
use auction_app::ports::events::event_store::EventStoreConnector;
use auction_app::ports::events::event_stream::EventStreamConnector;
use auction_app::ports::views::read_models::{
    ReadModelCommit, ReadModelConnector, ReadModelReader, ReadModelWriter,
};
use auction_app::projector::Projector;
use auction_testkit::fault_injection::{FaultInjector, FaultyPort};
use auction_testkit::fixtures::P;
use auction_testkit::memory::{MemoryEventStreams, MemoryParkedEvents, MemoryStreams, MemoryViews};
use auction_testkit::random::Random;
use std::num::NonZeroUsize;
use std::time::Duration;
use tokio::task::JoinHandle;
use worker_runtime::health::{Health, HealthStatus};
use worker_runtime::shutdown::{ShutdownSignal, ShutdownTrigger, shutdown_pair};

const SCHEDULES: u64 = 300;

fn subscription(component: &'static str, stop: ShutdownSignal) -> SubscriptionConfig {
    SubscriptionConfig { component, partition: P, health: Health::default().register(component), stop }
}

struct RunningConsumer(ShutdownTrigger, JoinHandle<()>);

impl RunningConsumer {
    fn start<S, F, V>(stores: S, event_streams: F, views: V) -> RunningConsumer
    where
        S: EventStoreConnector + 'static,
        S::Store: 'static,
        F: EventStreamConnector + 'static,
        F::Stream: 'static,
        V: ReadModelConnector + 'static,
        V::Store: 'static,
    {
        let (stopper, stop) = shutdown_pair();
        // A cache of two auctions, so that most are loaded from the store.
        let projector = Projector::new(views, P, NonZeroUsize::new(2).unwrap());
        let task = tokio::spawn(async move {
            run_consumer(
                &stores,
                &event_streams,
                &MemoryParkedEvents::default(),
                subscription("projector", stop),
                projector,
            )
            .await
            .unwrap();
        });
        RunningConsumer(stopper, task)
    }

    async fn stop(self) {
        self.0.stop();
        self.1.await.unwrap();
    }

    fn kill(self) {
        self.1.abort();
    }
}

async fn caught_up(portal: &TestPortal, views: &MemoryViews) {
    let head = portal.store.events(P).len() as u64;
    let waited = tokio::time::timeout(Duration::from_secs(600), async {
        while ReadModelReader::checkpoint(views, P).await.unwrap() < head {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    });
    assert!(waited.await.is_ok(), "stuck before {head}");
}

/// Builds the views from the store alone, with an empty stream.
async fn rebuilt(portal: &TestPortal) -> MemoryViews {
    let views = MemoryViews::default();
    let event_streams = MemoryEventStreams(MemoryStreams::default(), 10);
    let consumer = RunningConsumer::start(portal.store.clone(), event_streams, views.clone());
    caught_up(portal, &views).await;
    consumer.stop().await;
    views
}

async fn schedule(seed: u64) -> u64 {
    let mut random = Random::new(seed);
    let (portal, views) = (TestPortal::new(false), MemoryViews::default());
    let faults = FaultInjector::new(seed + 1_000_000, random.below(120));
    let start = |random: &mut Random| {
        let event_streams = MemoryEventStreams(portal.streams.clone(), random.below(5) as usize + 1);
        let (event_streams, stores) =
            (FaultyPort::new(event_streams, &faults), FaultyPort::new(portal.store.clone(), &faults));
        RunningConsumer::start(stores, event_streams, FaultyPort::new(views.clone(), &faults))
    };
    let writer = portal.start(4);
    let mut consumers = [start(&mut random), start(&mut random)];
    let commands = crate::random_history::commands(&mut random);
    for command in &commands {
        portal.submit(command).await;
        if random.chance(500) {
            tokio::time::sleep(Duration::from_millis(random.below(200))).await;
        }
        if random.chance(60) {
            let consumer = &mut consumers[random.below(2) as usize];
            std::mem::replace(consumer, start(&mut random)).kill();
        }
        if random.chance(60) {
            portal.streams.trim(P, random.below(60));
        }
    }
    portal.quiet(commands.len()).await;
    writer.stop().await.unwrap();
    tokio::time::sleep(Duration::from_millis(random.below(20_000))).await;
    faults.stop_failing();
    caught_up(&portal, &views).await;
    for consumer in consumers {
        consumer.stop().await;
    }
    views.assert_same(&rebuilt(&portal).await);
    faults.failures()
}

#[tokio::test(start_paused = true)]
async fn projector_views_equal_a_rebuild_under_random_faults() {
    let mut failures = 0;
    for seed in 0..SCHEDULES {
        eprintln!("seed {seed}");
        failures += schedule(seed).await;
    }
    assert!(failures > 5 * SCHEDULES, "{failures} failures were injected");
}

#[tokio::test(start_paused = true)]
async fn projector_views_do_not_depend_on_the_batch_size() {
    let mut random = Random::new(7);
    let portal = TestPortal::new(false);
    let commands = crate::random_history::commands(&mut random);
    for command in &commands {
        portal.submit(command).await;
    }
    portal.work(100, commands.len()).await;
    let expected = rebuilt(&portal).await;
    for count in [1, 2, 1000] {
        let views = MemoryViews::default();
        let event_streams = MemoryEventStreams(portal.streams.clone(), count);
        // A separate component for each run, so that each reads all events.
        let (stopper, stop) = shutdown_pair();
        let projector = Projector::new(views.clone(), P, NonZeroUsize::new(1).unwrap());
        let component = ["one", "two", "all"][[1, 2, 1000].iter().position(|n| *n == count).unwrap()];
        let store = portal.store.clone();
        let task = tokio::spawn(async move {
            run_consumer(
                &store,
                &event_streams,
                &MemoryParkedEvents::default(),
                subscription(component, stop),
                projector,
            )
            .await
        });
        caught_up(&portal, &views).await;
        stopper.stop();
        task.await.unwrap().unwrap();
        views.assert_same(&expected);
    }
}

#[tokio::test(start_paused = true)]
async fn consumer_fails_when_its_checkpoint_is_ahead_of_the_store() {
    let views = MemoryViews::default();
    let mut store = ReadModelConnector::open(&views, P).await.unwrap();
    assert_eq!(store.commit(0, 5, &[]).await.unwrap(), ReadModelCommit::Done);
    let (_stopper, stop) = shutdown_pair();
    let projector = Projector::new(views, P, NonZeroUsize::new(2).unwrap());
    let event_streams = MemoryEventStreams(MemoryStreams::default(), 10);
    // The store is empty, as after a restore from an older backup.
    let ended = run_consumer(
        &TestPortal::new(false).store,
        &event_streams,
        &MemoryParkedEvents::default(),
        subscription("projector", stop),
        projector,
    )
    .await;
    assert!(matches!(ended, Err(ConsumeError::AheadOfStore { position: 5, head: 0, .. })), "{ended:?}");
}

#[tokio::test(start_paused = true)]
async fn consumer_health_reports_waiting_and_recovery() {
    let (health, faults) = (Health::default(), FaultInjector::new(1, 1000));
    let stores = FaultyPort::new(TestPortal::new(false).store, &faults);
    let projector = Projector::new(MemoryViews::default(), P, NonZeroUsize::new(2).unwrap());
    let (stopper, stop) = shutdown_pair();
    let subscription = SubscriptionConfig {
        component: "projector",
        partition: P,
        health: health.register("projector 00"),
        stop,
    };
    let event_streams = MemoryEventStreams(MemoryStreams::default(), 10);
    let task = tokio::spawn(async move {
        run_consumer(&stores, &event_streams, &MemoryParkedEvents::default(), subscription, projector).await
    });
    let wait_for_status = async |has_status: fn(&HealthStatus) -> bool| {
        let waited = tokio::time::timeout(Duration::from_secs(600), async {
            while !health.report().checks.get("projector 00").is_some_and(has_status) {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        });
        assert!(waited.await.is_ok(), "{:?}", health.report());
    };
    wait_for_status(|status| matches!(status, HealthStatus::Waiting { attempts: 2.., .. })).await;
    faults.stop_failing();
    wait_for_status(|status| *status == HealthStatus::Up).await;
    stopper.stop();
    task.await.unwrap().unwrap();
    assert!(health.report().checks.is_empty(), "a stopped consumer has no health check");
}
