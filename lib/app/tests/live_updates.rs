//! Tests of live updates, in memory and in paused time.

use async_trait::async_trait;
use auction_app::ingress::live_updates::{BroadcastHub, SubscribeError, Subscriber};
use auction_app::ports::Unavailable;
use auction_app::ports::events::auction_event_reader::AuctionEventReader;
use auction_app::ports::events::event_store::{EventStore, EventStoreConnector};
use auction_domain::{AuctionId, BidId, UserId};
use auction_simulation::streams::Streams;
use auction_simulation::world::World;
use auction_testkit::contract::command_stream::StreamHarness;
use auction_testkit::fixtures::{auction_created, batch, bid_placed, fresh};
use auction_testkit::memory::MemoryStore;
use auction_wire::EventRecord;
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::{Instant, timeout};
use worker_runtime::Supervisor;
use worker_runtime::shutdown::{ShutdownTrigger, shutdown_pair};

const FLUSH_INTERVAL: Duration = Duration::from_millis(100);

/// Store whose reads of one auction never return.
#[derive(Clone)]
struct Events(MemoryStore, Arc<OnceLock<AuctionId>>);

#[async_trait]
impl AuctionEventReader for Events {
    async fn events_of(
        &self,
        auction: AuctionId,
        after: u64,
        limit: usize,
    ) -> Result<Vec<EventRecord>, Unavailable> {
        if self.1.get() == Some(&auction) {
            return std::future::pending().await;
        }
        self.0.events_of(auction, after, limit).await
    }
}

/// Store, stream and broadcast hub.
struct Fixture {
    store: MemoryStore,
    streams: Streams,
    hanging: Arc<OnceLock<AuctionId>>,
    hub: Arc<BroadcastHub>,
    stopper: ShutdownTrigger,
    auction: AuctionId,
    head: u64,
    version: u64,
}

impl Fixture {
    /// Creates an auction without bids.
    async fn new(max_subscribers: usize) -> Fixture {
        let (store, streams) = (MemoryStore::default(), Streams::new(&World::calm()));
        let hub = Arc::new(BroadcastHub::new(max_subscribers, FLUSH_INTERVAL));
        let (stopper, stop) = shutdown_pair();
        let tails = streams.tail_connector();
        let hanging = Arc::new(OnceLock::new());
        let (running_hub, events) = (Arc::clone(&hub), Events(store.clone(), Arc::clone(&hanging)));
        tokio::spawn(async move {
            running_hub.run(&events, &tails, Supervisor::without_health("live", stop)).await;
        });
        let auction = AuctionId(fresh());
        let mut fixture = Fixture { store, streams, hanging, hub, stopper, auction, head: 0, version: 0 };
        let created = fixture.store(vec![auction_created(None)]).await;
        fixture.streams.publish(&created).await;
        fixture
    }

    /// Stores events of the auction without publishing them.
    async fn store(&mut self, events: Vec<auction_wire::Event>) -> Vec<EventRecord> {
        let events = events.into_iter().zip(self.version + 1..);
        let events: Vec<_> = events.map(|(event, version)| (self.auction.0, version, event)).collect();
        let batch = batch(self.head, events);
        self.store.open().await.unwrap().append(&batch).await.unwrap();
        self.head += batch.events.len() as u64;
        self.version += batch.events.len() as u64;
        batch.events.into_iter().map(|event| event.record).collect()
    }

    async fn bids(&mut self, count: u64) -> Vec<EventRecord> {
        let amount = 10_000 + self.version;
        let bids = (0..count).map(|n| bid_placed(BidId(fresh()), UserId(fresh()), amount + n));
        self.store(bids.collect()).await
    }

    /// Stores and publishes bids.
    async fn bid(&mut self, count: u64) {
        let bids = self.bids(count).await;
        self.streams.publish(&bids).await;
    }

    async fn listen(&self, seen: Option<u64>) -> Subscriber {
        self.hub.subscribe(self.auction, seen).await.unwrap()
    }
}

/// Parses a server-sent event: its name, its id, and the versions of its auction events.
fn parse(frame: &[u8]) -> (String, u64, Vec<u64>) {
    let text = std::str::from_utf8(frame).unwrap();
    let line = |begin: &str| text.lines().find_map(|line| line.strip_prefix(begin)).unwrap().to_owned();
    assert!(text.ends_with("\n\n"), "{text}");
    let data: serde_json::Value = serde_json::from_str(&line("data: ")).unwrap();
    let id = line("id: ").parse().unwrap();
    assert_eq!(data["version"], id, "{text}");
    let events = data["events"].as_array().cloned().unwrap_or_default();
    let versions: Vec<u64> = events.iter().map(|event| event["version"].as_u64().unwrap()).collect();
    assert!(versions.is_empty() || versions.last() == Some(&id), "{text}");
    (line("event: "), id, versions)
}

/// Returns the name and the id of the initial event.
fn first(subscriber: &Subscriber) -> (String, u64) {
    let (name, id, _) = parse(subscriber.initial.as_ref().unwrap());
    (name, id)
}

/// Returns the versions of the missed events in the initial event.
fn missed(subscriber: &Subscriber) -> Vec<u64> {
    let (name, _, versions) = parse(subscriber.initial.as_ref().unwrap());
    assert_eq!(name, "events");
    versions
}

/// Receives at least `count` auction events and returns their versions. Ignores heartbeats.
async fn next(subscriber: &mut Subscriber, count: usize) -> Vec<u64> {
    let mut all = Vec::new();
    while all.len() < count {
        let frame = timeout(Duration::from_secs(60), subscriber.updates.recv()).await.unwrap().unwrap();
        if !frame.starts_with(b":") {
            all.extend(parse(&frame).2);
        }
    }
    all
}

#[tokio::test(start_paused = true)]
async fn subscriber_receives_the_state_and_then_every_event_in_order() {
    let mut fixture = Fixture::new(10).await;
    fixture.bid(3).await;
    let mut subscriber = fixture.listen(None).await;
    assert_eq!(first(&subscriber), ("auction".to_owned(), 4));
    fixture.bid(2).await;
    fixture.bid(1).await;
    assert_eq!(next(&mut subscriber, 3).await, [5, 6, 7]);
}

#[tokio::test(start_paused = true)]
async fn updates_are_sent_immediately_and_then_in_batches() {
    let mut fixture = Fixture::new(10).await;
    let mut subscriber = fixture.listen(None).await;
    let began = Instant::now();
    fixture.bid(1).await;
    assert_eq!(next(&mut subscriber, 1).await, [2]);
    assert!(began.elapsed() < FLUSH_INTERVAL / 2);
    for _ in 0..4 {
        fixture.bid(1).await;
        tokio::time::sleep(FLUSH_INTERVAL / 10).await;
    }
    let frame = subscriber.updates.recv().await.unwrap();
    assert_eq!(parse(&frame).2, [3, 4, 5, 6]);
    assert!(began.elapsed() < FLUSH_INTERVAL * 3);
}

#[tokio::test(start_paused = true)]
async fn reconnecting_subscriber_receives_missed_events() {
    let mut fixture = Fixture::new(10).await;
    fixture.bid(5).await;
    assert_eq!(missed(&fixture.listen(Some(3)).await), [4, 5, 6]);
    assert!(fixture.listen(Some(6)).await.initial.is_none(), "no event was missed");
}

#[tokio::test(start_paused = true)]
async fn reconnecting_subscriber_is_reset_after_too_many_events() {
    let mut fixture = Fixture::new(10).await;
    fixture.bid(3000).await;
    assert_eq!(first(&fixture.listen(Some(5)).await), ("reset".to_owned(), 3001));
    assert_eq!(missed(&fixture.listen(Some(2001)).await).len(), 1000);
    assert_eq!(
        first(&fixture.listen(Some(9999)).await),
        ("reset".to_owned(), 3001),
        "there is no such version"
    );
}

#[tokio::test(start_paused = true)]
async fn updates_fill_stream_gaps_from_the_store() {
    let mut fixture = Fixture::new(10).await;
    let mut subscriber = fixture.listen(None).await;
    fixture.bids(3).await;
    fixture.bid(1).await;
    assert_eq!(next(&mut subscriber, 4).await, [2, 3, 4, 5]);
}

#[tokio::test(start_paused = true)]
async fn subscriber_ahead_of_the_stream_receives_no_repeats() {
    let mut fixture = Fixture::new(10).await;
    let _first = fixture.listen(None).await;
    let late = fixture.bids(2).await;
    let mut subscriber = fixture.listen(Some(3)).await;
    assert!(subscriber.initial.is_none());
    fixture.streams.publish(&late).await;
    fixture.bid(1).await;
    assert_eq!(next(&mut subscriber, 1).await, [4]);
}

#[tokio::test(start_paused = true)]
async fn subscribers_miss_no_event_during_an_outage_of_the_streams() {
    let mut fixture = Fixture::new(10).await;
    let mut subscriber = fixture.listen(None).await;
    fixture.streams.set_unavailable(true);
    // Events that are published during the outage and lost by the stream.
    fixture.bids(2).await;
    tokio::time::sleep(Duration::from_secs(20)).await;
    fixture.streams.set_unavailable(false);
    assert_eq!(next(&mut subscriber, 2).await, [2, 3]);
}

#[tokio::test(start_paused = true)]
async fn new_subscriber_misses_no_event_during_an_outage() {
    let mut fixture = Fixture::new(10).await;
    fixture.streams.set_unavailable(true);
    let mut subscriber = fixture.listen(None).await;
    fixture.bids(2).await;
    fixture.streams.set_unavailable(false);
    assert_eq!(next(&mut subscriber, 2).await, [2, 3]);
}

#[tokio::test(start_paused = true)]
async fn hanging_history_read_does_not_delay_other_auctions() {
    let mut fixture = Fixture::new(10).await;
    let mut subscriber = fixture.listen(None).await;
    let hanging = AuctionId(fresh());
    fixture.hanging.set(hanging).unwrap();
    let hub = Arc::clone(&fixture.hub);
    let subscribing = tokio::spawn(async move { hub.subscribe(hanging, None).await.map(drop) });
    tokio::time::sleep(FLUSH_INTERVAL).await; // in paused time: all tasks are idle
    let began = Instant::now();
    fixture.bid(1).await;
    assert_eq!(next(&mut subscriber, 1).await, [2]);
    assert!(began.elapsed() < Duration::from_secs(1));
    assert!(matches!(subscribing.await.unwrap(), Err(SubscribeError::Unavailable(_))));
}

#[tokio::test(start_paused = true)]
async fn slow_subscriber_is_disconnected_and_others_are_not() {
    let mut fixture = Fixture::new(10).await;
    let (mut slow, mut other) = (fixture.listen(None).await, fixture.listen(None).await);
    for _ in 0..100 {
        fixture.bid(3).await;
        next(&mut other, 3).await;
    }
    assert!(matches!(slow.updates.recv().await, Err(RecvError::Lagged(_))));
}

#[tokio::test(start_paused = true)]
async fn subscriber_limit_frees_a_place_on_disconnect() {
    let fixture = Fixture::new(2).await;
    let (one, _other) = (fixture.listen(None).await, fixture.listen(None).await);
    assert!(matches!(
        fixture.hub.subscribe(fixture.auction, None).await,
        Err(SubscribeError::Full { limit: 2 })
    ));
    drop(one);
    fixture.listen(None).await;
    let unknown = Fixture::new(1).await.hub.subscribe(AuctionId(fresh()), None).await;
    assert!(matches!(unknown, Err(SubscribeError::UnknownAuction)));
}

#[tokio::test(start_paused = true)]
async fn subscribers_receive_heartbeats_and_end_at_shutdown() {
    let fixture = Fixture::new(10).await;
    let mut subscriber = fixture.listen(None).await;
    let frame = timeout(Duration::from_secs(16), subscriber.updates.recv()).await.unwrap().unwrap();
    assert_eq!(&frame[..], b":\n\n");
    fixture.stopper.stop();
    assert!(matches!(subscriber.updates.recv().await, Err(RecvError::Closed)));
    assert!(matches!(
        fixture.hub.subscribe(fixture.auction, None).await,
        Err(SubscribeError::Unavailable(_))
    ));
}
