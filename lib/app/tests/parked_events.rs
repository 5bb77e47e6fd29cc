//! Tests of parked events with the real projector: an event that it cannot process is parked with the later
//! events of its aggregate, all other aggregates continue, and an operator can have it processed again.

use crate::consume::{caught_up, projector, rebuilt};
use crate::running_task::{RunningConsumer, start_consumer, until};
use crate::test_portal::TestPortal;
use auction_app::consume::stored_events::LoadError;
use auction_app::consume::{EventHandler, HandleResult};
use auction_app::ports::events::event_store::EventStore;
use auction_app::ports::operator::parked_events::{
    OperatorAction, ParkReason, ParkedAggregate, ParkedEvents,
};
use auction_app::ports::views::read_models::ReadModelReader;
use auction_app::projector::Projector;
use auction_app::projector::views::auction::name;
use auction_testkit::contract::command_stream::StreamHarness;
use auction_testkit::fixtures::P;
use auction_testkit::memory::{MemoryParkedEvents, MemoryViews};
use auction_testkit::random::Random;
use auction_wire::EventRecord;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Why processing an event fails.
#[derive(Clone, Copy, Debug, PartialEq)]
enum FailureCause {
    Unreadable,
    Panics,
    Refused,
}

/// Projector that fails at one event.
struct FailingProjector(Projector<MemoryViews>, Arc<Mutex<Option<(u64, FailureCause)>>>);

impl EventHandler for FailingProjector {
    async fn load_checkpoint(&mut self, store: &mut impl EventStore) -> Result<u64, LoadError> {
        self.0.load_checkpoint(store).await
    }

    async fn handle(
        &mut self,
        store: &mut impl EventStore,
        events: &[EventRecord],
        until: u64,
    ) -> Result<HandleResult, LoadError> {
        let cause = *self.1.lock().unwrap();
        match cause.filter(|(position, _)| events.iter().any(|event| event.position == *position)) {
            Some((_, FailureCause::Panics)) => panic!("by the test"),
            Some((_, FailureCause::Refused)) => Ok(HandleResult::Failed("by the test".to_owned())),
            _ => self.0.handle(store, events, until).await,
        }
    }
}

fn start_projector(
    portal: &TestPortal,
    failure: &Arc<Mutex<Option<(u64, FailureCause)>>>,
    max_batch: usize,
) -> (MemoryViews, MemoryParkedEvents, RunningConsumer) {
    let (views, parking) = (MemoryViews::default(), MemoryParkedEvents::default());
    let consumer = start_projector_on(portal, failure, max_batch, &views, &parking);
    (views, parking, consumer)
}

fn start_projector_on(
    portal: &TestPortal,
    failure: &Arc<Mutex<Option<(u64, FailureCause)>>>,
    max_batch: usize,
    views: &MemoryViews,
    parking: &MemoryParkedEvents,
) -> RunningConsumer {
    let failing = FailingProjector(projector(views), Arc::clone(failure));
    let event_streams = portal.streams.event_connector(max_batch);
    start_consumer("projector", portal.store.clone(), event_streams, parking.clone(), failing)
}

async fn parked(parking: &MemoryParkedEvents) -> Option<ParkedAggregate> {
    let mut all = parking.of("projector", P).await.unwrap();
    assert!(all.len() <= 1, "only one aggregate is parked: {all:?}");
    all.pop()
}

async fn schedule(seed: u64, cause: FailureCause) {
    let mut random = Random::new(seed);
    let portal = TestPortal::calm();
    let commands = crate::random_history::commands(&mut random);
    let (before, after) = commands.split_at(commands.len() / 2);
    for command in before {
        portal.submit(command).await;
    }
    portal.work(10, before.len()).await;
    let events = portal.store.events(P);
    // Not the last event: it stays on the stream unchanged, and identifies the history of the stream.
    let bad = random.pick(&events[..events.len() - 1]).clone();
    let failure = Arc::new(Mutex::new(Some((bad.position, cause))));
    if cause == FailureCause::Unreadable {
        portal.store.change_kind(P, bad.position, "raffled");
        portal.streams.trim(1); // so that all events are read from the store
    }
    let max_batch = random.below(20) as usize + 1;
    let (views, parking, consumer) = start_projector(&portal, &failure, max_batch);

    caught_up(&portal, &views).await;
    let event = parked(&parking).await.unwrap().event;
    assert_eq!((event.key, event.position), (bad.key, bad.position));
    let shown = views.document(P, name(bad.key)).await.unwrap().value;
    // The writer reads the store as well, so an unreadable event must be repaired for it first.
    let repair = || drop(portal.store.change_kind(P, bad.position, &bad.kind));
    if cause == FailureCause::Unreadable {
        assert_eq!(event.reason, ParkReason::Unreadable);
        repair();
    }
    for command in after {
        portal.submit(command).await;
    }
    portal.work(10, commands.len()).await;
    caught_up(&portal, &views).await;
    assert_eq!(views.document(P, name(bad.key)).await.unwrap().value, shown, "later events wait");

    if cause != FailureCause::Unreadable {
        // Not repaired yet, so it stays parked.
        assert!(parking.request("projector", bad.key, bad.position, OperatorAction::Retry).await.unwrap());
        let is_taken = async || parked(&parking).await.unwrap().requested_action.is_none();
        until("the retry is processed", is_taken).await;
        *failure.lock().unwrap() = None;
    }
    assert!(parking.request("projector", bad.key, bad.position, OperatorAction::Retry).await.unwrap());
    until("the event is not parked", async || parked(&parking).await.is_none()).await;
    views.assert_same(&rebuilt(&portal).await);
    consumer.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn failing_event_is_parked_alone_and_processed_after_retry() {
    for cause in [FailureCause::Unreadable, FailureCause::Panics, FailureCause::Refused] {
        for seed in 0..40 {
            eprintln!("{cause:?}, seed {seed}");
            schedule(seed, cause).await;
        }
    }
}

/// A roll-out: a newer writer stores an event that the projector of the earlier version parks. No operator acts.
#[tokio::test(start_paused = true)]
async fn newer_consumer_resumes_events_that_an_earlier_one_parked() {
    for seed in 0..20 {
        let (mut random, portal) = (Random::new(seed), TestPortal::calm());
        let commands = crate::random_history::commands(&mut random);
        for command in &commands {
            portal.submit(command).await;
        }
        portal.work(10, commands.len()).await;
        let events = portal.store.events(P);
        let bad = random.pick(&events[..events.len() - 1]).clone();
        portal.store.change_kind(P, bad.position, "raffled");
        portal.streams.trim(1); // so that all events are read from the store
        let healthy = Arc::default();
        let (views, parking, consumer) = start_projector(&portal, &healthy, 7);
        caught_up(&portal, &views).await;
        consumer.stop().await.unwrap();
        assert_eq!(parked(&parking).await.unwrap().event.position, bad.position);
        // The same version starts again.
        let consumer = start_projector_on(&portal, &healthy, 7, &views, &parking);
        tokio::time::sleep(Duration::from_secs(10)).await;
        consumer.stop().await.unwrap();
        assert_eq!(parked(&parking).await.unwrap().event.position, bad.position, "seed {seed}");
        // A version that knows the kind.
        portal.store.change_kind(P, bad.position, &bad.kind);
        let consumer = start_projector_on(&portal, &healthy, 7, &views, &parking);
        until("the event is not parked", async || parked(&parking).await.is_none()).await;
        caught_up(&portal, &views).await;
        views.assert_same(&rebuilt(&portal).await);
        consumer.stop().await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn dropped_event_is_skipped_and_later_ones_are_processed() {
    let (mut random, portal) = (Random::new(5), TestPortal::calm());
    let commands = crate::random_history::commands(&mut random);
    for command in &commands {
        portal.submit(command).await;
    }
    portal.work(10, commands.len()).await;
    let events = portal.store.events(P);
    let bad = events.iter().find(|event| event.kind == "bid_placed").unwrap().clone();
    let last = events.iter().rfind(|event| event.key == bad.key).unwrap();
    let failure = Arc::new(Mutex::new(Some((bad.position, FailureCause::Refused))));
    let (views, parking, _consumer) = start_projector(&portal, &failure, 7);
    caught_up(&portal, &views).await;
    assert!(parking.request("projector", bad.key, bad.position, OperatorAction::Drop).await.unwrap());
    until("the event is not parked", async || parked(&parking).await.is_none()).await;
    let shown = views.document(P, name(bad.key)).await.unwrap().value.unwrap();
    let shown: serde_json::Value = serde_json::from_slice(&shown.json).unwrap();
    assert_eq!(shown["version"], last.version);
}
