//! The real projector meets events that it cannot handle: they are parked with what follows for their
//! auction, everybody else goes on, and when an operator says so they are handled after all.

use crate::test_portal::World;
use auction_app::consume::{EventHandler, HandleResult, SubscriptionConfig, run_consumer};
use auction_app::ports::Unavailable;
use auction_app::ports::events::event_store::EventStore;
use auction_app::ports::operator::parked_events::{
    OperatorAction, ParkReason, ParkedAggregate, ParkedEvents,
};
use auction_app::ports::views::read_models::ReadModelReader;
use auction_app::projector::Projector;
use auction_app::writer::aggregate_cache::LoadError;
use auction_domain::AuctionId;
use auction_testkit::fixtures::P;
use auction_testkit::memory::{MemoryEventStreams, MemoryParkedEvents, MemoryStreams, MemoryViews};
use auction_testkit::random::Random;
use auction_wire::EventRecord;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use worker_runtime::health::Health;
use worker_runtime::shutdown::shutdown_pair;

/// What goes wrong with an event.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Trouble {
    Unreadable,
    Panics,
    Refused,
}

/// A projector that cannot handle one event.
struct Picky(Projector<MemoryViews>, Arc<Mutex<Option<(u64, Trouble)>>>);

impl EventHandler for Picky {
    async fn load_checkpoint(&mut self, store: &mut impl EventStore) -> Result<u64, LoadError> {
        self.0.load_checkpoint(store).await
    }

    async fn handle(
        &mut self,
        store: &mut impl EventStore,
        events: &[EventRecord],
        until: u64,
    ) -> Result<HandleResult, LoadError> {
        let trouble = *self.1.lock().unwrap();
        match trouble.filter(|(position, _)| events.iter().any(|event| event.position == *position)) {
            Some((_, Trouble::Panics)) => panic!("by the test"),
            Some((_, Trouble::Refused)) => Ok(HandleResult::Failed("by the test".to_owned())),
            _ => self.0.handle(store, events, until).await,
        }
    }
}

/// Looks until it is so, in paused time.
async fn until<F: Future<Output = Result<bool, Unavailable>>>(what: &str, mut is_so: impl FnMut() -> F) {
    let waited = tokio::time::timeout(Duration::from_secs(600), async {
        while !is_so().await.unwrap() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    assert!(waited.await.is_ok(), "{what}");
}

async fn caught_up(world: &World, views: &MemoryViews) {
    let head = world.store.events(P).len() as u64;
    until("stuck", async || Ok(ReadModelReader::checkpoint(views, P).await? >= head)).await;
}

/// What the views should be, from a store in which all is well.
async fn rebuilt(world: &World) -> MemoryViews {
    let (views, (stopper, stop)) = (MemoryViews::default(), shutdown_pair());
    let projector = Projector::new(views.clone(), P, NonZeroUsize::new(2).unwrap());
    let (store, feeds) = (world.store.clone(), MemoryEventStreams(MemoryStreams::default(), 10));
    let task = tokio::spawn(async move {
        let following = SubscriptionConfig {
            component: "rebuilt",
            partition: P,
            health: Health::default().register("p"),
            stop,
        };
        run_consumer(&store, &feeds, &MemoryParkedEvents::default(), following, projector).await.unwrap();
    });
    caught_up(world, &views).await;
    stopper.stop();
    task.await.unwrap();
    views
}

async fn parked(parking: &MemoryParkedEvents) -> Option<ParkedAggregate> {
    let mut all = parking.of("projector", P).await.unwrap();
    assert!(all.len() <= 1, "one is parked, the others go on: {all:?}");
    all.pop()
}

async fn schedule(seed: u64, trouble: Trouble) {
    let mut random = Random::new(seed);
    let world = World::new(false);
    let commands = crate::random_history::commands(&mut random);
    let (before, after) = commands.split_at(commands.len() / 2);
    for command in before {
        world.give(command).await;
    }
    world.work(10, before.len()).await;
    let events = world.store.events(P);
    // Not the last one, which stays on the stream as it was: by it everybody knows whose stream it is.
    let bad = random.pick(&events[..events.len() - 1]).clone();
    let broken = Arc::new(Mutex::new(Some((bad.position, trouble))));
    if trouble == Trouble::Unreadable {
        world.store.change_kind(P, bad.position, "raffled");
        world.streams.trim(P, events.len() as u64); // all of them come from the store
    }
    let (views, parking, (stopper, stop)) =
        (MemoryViews::default(), MemoryParkedEvents::default(), shutdown_pair());
    let projector = Projector::new(views.clone(), P, NonZeroUsize::new(2).unwrap());
    let picky = Picky(projector, Arc::clone(&broken));
    let feeds = MemoryEventStreams(world.streams.clone(), random.below(20) as usize + 1);
    let (store, of) = (world.store.clone(), parking.clone());
    let following = tokio::spawn(async move {
        let following = SubscriptionConfig {
            component: "projector",
            partition: P,
            health: Health::default().register("p"),
            stop,
        };
        run_consumer(&store, &feeds, &of, following, picky).await.unwrap();
    });

    caught_up(&world, &views).await;
    let event = parked(&parking).await.unwrap().event;
    assert_eq!((event.key, event.position), (bad.key, bad.position));
    let shown = views.auction(P, AuctionId(bad.key)).await.unwrap().shown;
    // The writer reads the store too: whatever it cannot read has to be mended for it first.
    let mended = || drop(world.store.change_kind(P, bad.position, &bad.kind));
    if trouble == Trouble::Unreadable {
        assert_eq!(event.reason, ParkReason::Unreadable);
        mended();
    }
    for command in after {
        world.give(command).await;
    }
    world.work(10, commands.len()).await;
    caught_up(&world, &views).await;
    assert_eq!(views.auction(P, AuctionId(bad.key)).await.unwrap().shown, shown, "it waits");

    if trouble != Trouble::Unreadable {
        // Not mended yet: it stays.
        assert!(parking.request("projector", bad.key, bad.position, OperatorAction::Retry).await.unwrap());
        until("it is tried", async || Ok(parked(&parking).await.unwrap().asked.is_none())).await;
        *broken.lock().unwrap() = None;
    }
    assert!(parking.request("projector", bad.key, bad.position, OperatorAction::Retry).await.unwrap());
    until("it is parked no more", async || Ok(parked(&parking).await.is_none())).await;
    views.assert_same(&rebuilt(&world).await);
    stopper.stop();
    following.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_handled_is_parked_alone_and_handled_when_an_operator_says_so() {
    for trouble in [Trouble::Unreadable, Trouble::Panics, Trouble::Refused] {
        for seed in 0..40 {
            eprintln!("{trouble:?}, seed {seed}");
            schedule(seed, trouble).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_an_operator_drops_is_not_tried_again_and_the_rest_of_its_auction_goes_on() {
    let (mut random, world) = (Random::new(5), World::new(false));
    let commands = crate::random_history::commands(&mut random);
    for command in &commands {
        world.give(command).await;
    }
    world.work(10, commands.len()).await;
    let events = world.store.events(P);
    let bad = events.iter().find(|event| event.kind == "bid_placed").unwrap().clone();
    let last = events.iter().rfind(|event| event.key == bad.key).unwrap();
    let (views, parking, (_stopper, stop)) =
        (MemoryViews::default(), MemoryParkedEvents::default(), shutdown_pair());
    let projector = Projector::new(views.clone(), P, NonZeroUsize::new(2).unwrap());
    let picky = Picky(projector, Arc::new(Mutex::new(Some((bad.position, Trouble::Refused)))));
    let feeds = MemoryEventStreams(world.streams.clone(), 7);
    let (store, of) = (world.store.clone(), parking.clone());
    tokio::spawn(async move {
        let following = SubscriptionConfig {
            component: "projector",
            partition: P,
            health: Health::default().register("p"),
            stop,
        };
        run_consumer(&store, &feeds, &of, following, picky).await.unwrap();
    });
    caught_up(&world, &views).await;
    assert!(parking.request("projector", bad.key, bad.position, OperatorAction::Drop).await.unwrap());
    until("it is parked no more", async || Ok(parked(&parking).await.is_none())).await;
    let shown = views.auction(P, AuctionId(bad.key)).await.unwrap().shown.unwrap();
    let shown: serde_json::Value = serde_json::from_slice(&shown.json).unwrap();
    assert_eq!(shown["version"], last.version);
}
