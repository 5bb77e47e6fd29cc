//! The real projector, following a partition on ports in memory: however often it is interrupted,
//! killed, doubled or cut off from the stream, the views are those of a rebuild from scratch.

use crate::test_portal::World;
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

struct Following(ShutdownTrigger, JoinHandle<()>);

impl Following {
    fn start<S, F, V>(stores: S, feeds: F, views: V) -> Following
    where
        S: EventStoreConnector + 'static,
        S::Store: 'static,
        F: EventStreamConnector + 'static,
        F::Feed: 'static,
        V: ReadModelConnector + 'static,
        V::Store: 'static,
    {
        let (stopper, stop) = shutdown_pair();
        // Two boards, so that most are loaded again from the store.
        let projector = Projector::new(views, P, NonZeroUsize::new(2).unwrap());
        let task = tokio::spawn(async move {
            run_consumer(
                &stores,
                &feeds,
                &MemoryParkedEvents::default(),
                subscription("projector", stop),
                projector,
            )
            .await
            .unwrap();
        });
        Following(stopper, task)
    }

    async fn stop(self) {
        self.0.stop();
        self.1.await.unwrap();
    }

    fn kill(self) {
        self.1.abort();
    }
}

async fn caught_up(world: &World, views: &MemoryViews) {
    let head = world.store.events(P).len() as u64;
    let waited = tokio::time::timeout(Duration::from_secs(600), async {
        while ReadModelReader::checkpoint(views, P).await.unwrap() < head {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    });
    assert!(waited.await.is_ok(), "stuck before {head}");
}

/// From the store alone: nothing lies on the stream.
async fn rebuilt(world: &World) -> MemoryViews {
    let views = MemoryViews::default();
    let feeds = MemoryEventStreams(MemoryStreams::default(), 10);
    let following = Following::start(world.store.clone(), feeds, views.clone());
    caught_up(world, &views).await;
    following.stop().await;
    views
}

async fn schedule(seed: u64) -> u64 {
    let mut random = Random::new(seed);
    let (world, views) = (World::new(false), MemoryViews::default());
    let weather = FaultInjector::new(seed + 1_000_000, random.below(120));
    let start = |random: &mut Random| {
        let feeds = MemoryEventStreams(world.streams.clone(), random.below(5) as usize + 1);
        let (feeds, stores) =
            (FaultyPort::new(feeds, &weather), FaultyPort::new(world.store.clone(), &weather));
        Following::start(stores, feeds, FaultyPort::new(views.clone(), &weather))
    };
    let lane = world.start(4);
    let mut following = [start(&mut random), start(&mut random)];
    let commands = crate::random_history::commands(&mut random);
    for command in &commands {
        world.give(command).await;
        if random.chance(500) {
            tokio::time::sleep(Duration::from_millis(random.below(200))).await;
        }
        if random.chance(60) {
            let one = &mut following[random.below(2) as usize];
            std::mem::replace(one, start(&mut random)).kill();
        }
        if random.chance(60) {
            world.streams.trim(P, random.below(60));
        }
    }
    world.quiet(commands.len()).await;
    lane.stop().await.unwrap();
    tokio::time::sleep(Duration::from_millis(random.below(20_000))).await;
    weather.stop_failing();
    caught_up(&world, &views).await;
    for one in following {
        one.stop().await;
    }
    views.assert_same(&rebuilt(&world).await);
    weather.failures()
}

#[tokio::test(start_paused = true)]
async fn views_are_those_of_a_rebuild_whatever_fails_whenever() {
    let mut failures = 0;
    for seed in 0..SCHEDULES {
        eprintln!("seed {seed}");
        failures += schedule(seed).await;
    }
    assert!(failures > 5 * SCHEDULES, "{failures} failures were injected");
}

#[tokio::test(start_paused = true)]
async fn one_event_at_a_time_shows_what_all_at_once_shows() {
    let mut random = Random::new(7);
    let world = World::new(false);
    let commands = crate::random_history::commands(&mut random);
    for command in &commands {
        world.give(command).await;
    }
    world.work(100, commands.len()).await;
    let expected = rebuilt(&world).await;
    for count in [1, 2, 1000] {
        let views = MemoryViews::default();
        let feeds = MemoryEventStreams(world.streams.clone(), count);
        // A component of its own for each, so that each reads everything.
        let (stopper, stop) = shutdown_pair();
        let projector = Projector::new(views.clone(), P, NonZeroUsize::new(1).unwrap());
        let component = ["one", "two", "all"][[1, 2, 1000].iter().position(|n| *n == count).unwrap()];
        let store = world.store.clone();
        let task = tokio::spawn(async move {
            run_consumer(
                &store,
                &feeds,
                &MemoryParkedEvents::default(),
                subscription(component, stop),
                projector,
            )
            .await
        });
        caught_up(&world, &views).await;
        stopper.stop();
        task.await.unwrap().unwrap();
        views.assert_same(&expected);
    }
}

#[tokio::test(start_paused = true)]
async fn views_that_are_ahead_of_the_store_are_noticed() {
    let views = MemoryViews::default();
    let mut store = ReadModelConnector::open(&views, P).await.unwrap();
    assert_eq!(store.commit(0, 5, &[]).await.unwrap(), ReadModelCommit::Done);
    let (_stopper, stop) = shutdown_pair();
    let projector = Projector::new(views, P, NonZeroUsize::new(2).unwrap());
    let feeds = MemoryEventStreams(MemoryStreams::default(), 10);
    // As after a restore from an older backup: the store is empty.
    let ended = run_consumer(
        &World::new(false).store,
        &feeds,
        &MemoryParkedEvents::default(),
        subscription("projector", stop),
        projector,
    )
    .await;
    assert!(matches!(ended, Err(ConsumeError::AheadOfStore { position: 5, head: 0, .. })), "{ended:?}");
}

#[tokio::test(start_paused = true)]
async fn who_follows_says_why_it_waits_and_when_it_works_again() {
    let (health, weather) = (Health::default(), FaultInjector::new(1, 1000));
    let stores = FaultyPort::new(World::new(false).store, &weather);
    let projector = Projector::new(MemoryViews::default(), P, NonZeroUsize::new(2).unwrap());
    let (stopper, stop) = shutdown_pair();
    let subscription = SubscriptionConfig {
        component: "projector",
        partition: P,
        health: health.register("projector 00"),
        stop,
    };
    let feeds = MemoryEventStreams(MemoryStreams::default(), 10);
    let task = tokio::spawn(async move {
        run_consumer(&stores, &feeds, &MemoryParkedEvents::default(), subscription, projector).await
    });
    let becomes = async |is_so: fn(&HealthStatus) -> bool| {
        let waited = tokio::time::timeout(Duration::from_secs(600), async {
            while !health.report().parts.get("projector 00").is_some_and(is_so) {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        });
        assert!(waited.await.is_ok(), "{:?}", health.report());
    };
    becomes(|condition| matches!(condition, HealthStatus::Waiting { attempts: 2.., .. })).await;
    weather.stop_failing();
    becomes(|condition| *condition == HealthStatus::Up).await;
    stopper.stop();
    task.await.unwrap().unwrap();
    assert!(health.report().parts.is_empty(), "what has ended is not waited for");
}
