//! Tests of the event consumer with the real projector. Failures and kills are tested in `tests/simulation`.

use crate::running_task::{start_consumer, until};
use crate::test_portal::TestPortal;
use auction_app::consume::{ConsumeError, SubscriptionConfig, run_consumer};
use auction_app::ports::views::read_models::{
    ReadModelCommit, ReadModelConnector, ReadModelReader, ReadModelWriter,
};
use auction_app::projector::Projector;
use auction_simulation::faulty_port::FaultyPort;
use auction_simulation::world::{Trace, World};
use auction_testkit::contract::command_stream::StreamHarness;
use auction_testkit::fixtures::P;
use auction_testkit::memory::{MemoryParkedEvents, MemoryViews};
use auction_testkit::random::Random;
use std::num::NonZeroUsize;
use worker_runtime::Supervisor;
use worker_runtime::health::{Health, HealthStatus};
use worker_runtime::shutdown::shutdown_pair;

/// Returns a projector with a cache of two auctions, so that most are loaded from the store.
pub(crate) fn projector(views: &MemoryViews) -> Projector<MemoryViews> {
    Projector::new(views.clone(), P, NonZeroUsize::new(2).unwrap())
}

pub(crate) async fn caught_up(portal: &TestPortal, views: &MemoryViews) {
    let head = portal.store.events(P).len() as u64;
    let checkpoint = async || ReadModelReader::checkpoint(views, P).await.unwrap();
    until("the projector is at the head", async || checkpoint().await >= head).await;
}

/// Builds the views from the store alone, with an empty stream.
pub(crate) async fn rebuilt(portal: &TestPortal) -> MemoryViews {
    let (views, parking) = (MemoryViews::default(), MemoryParkedEvents::default());
    let event_streams = portal.with_empty_streams().streams.event_connector(10);
    let consumer = start_consumer("rebuilt", portal.store.clone(), event_streams, parking, projector(&views));
    caught_up(portal, &views).await;
    consumer.stop().await.unwrap();
    views
}

#[tokio::test(start_paused = true)]
async fn projector_views_do_not_depend_on_the_batch_size() {
    let mut random = Random::new(7);
    let portal = TestPortal::calm();
    let commands = crate::random_history::commands(&mut random);
    for command in &commands {
        portal.submit(command).await;
    }
    portal.work(100, commands.len()).await;
    let expected = rebuilt(&portal).await;
    for count in [1, 2, 1000] {
        let views = MemoryViews::default();
        let (store, parking) = (portal.store.clone(), MemoryParkedEvents::default());
        // A separate component for each run, so that each reads all events.
        let component = ["one", "two", "all"][[1, 2, 1000].iter().position(|n| *n == count).unwrap()];
        let event_streams = portal.streams.event_connector(count);
        let consumer = start_consumer(component, store, event_streams, parking, projector(&views));
        caught_up(&portal, &views).await;
        consumer.stop().await.unwrap();
        views.assert_same(&expected);
    }
}

#[tokio::test(start_paused = true)]
async fn consumer_fails_when_its_checkpoint_is_ahead_of_the_store() {
    let views = MemoryViews::default();
    let mut store = ReadModelConnector::open(&views, P).await.unwrap();
    assert_eq!(store.commit(0, 5, &[]).await.unwrap(), ReadModelCommit::Done);
    // The store is empty, as after a restore from an older backup.
    let portal = TestPortal::calm();
    let (event_streams, parking) = (portal.streams.event_connector(10), MemoryParkedEvents::default());
    let consumer = start_consumer("projector", portal.store, event_streams, parking, projector(&views));
    let ended = consumer.ended().await;
    assert!(matches!(ended, Err(ConsumeError::AheadOfStore { position: 5, head: 0, .. })), "{ended:?}");
}

#[tokio::test(start_paused = true)]
async fn consumer_health_reports_waiting_and_recovery() {
    let (health, faults, portal) = (Health::default(), World::new(1, Trace::Off), TestPortal::calm());
    faults.set_failure_rate(1000);
    let stores = FaultyPort::new(portal.store, &faults);
    let projector = projector(&MemoryViews::default());
    let (stopper, stop) = shutdown_pair();
    let supervisor = Supervisor::new(health.register("projector 00"), stop);
    let subscription = SubscriptionConfig { component: "projector", partition: P, supervisor };
    let event_streams = portal.streams.event_connector(10);
    let task = tokio::spawn(async move {
        run_consumer(&stores, &event_streams, &MemoryParkedEvents::default(), subscription, projector).await
    });
    let wait_for_status = async |has_status: fn(&HealthStatus) -> bool| {
        let status =
            || health.report().checks.get("projector 00").is_some_and(|check| has_status(&check.status));
        until("the health has the status", async || status()).await;
    };
    wait_for_status(|status| matches!(status, HealthStatus::Waiting { attempts: 2.., .. })).await;
    faults.set_failure_rate(0);
    wait_for_status(|status| *status == HealthStatus::Up).await;
    stopper.stop();
    task.await.unwrap().unwrap();
    assert!(health.report().checks.is_empty(), "a stopped consumer has no health check");
}
