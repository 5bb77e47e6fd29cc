//! Listening to an auction, in memory and paused time.

use auction_app::ingress::live_updates::{BroadcastHub, SubscribeError, Subscriber};
use auction_app::ports::Unavailable;
use auction_app::ports::events::auction_event_reader::AuctionEventReader;
use auction_app::ports::events::event_store::{EventStore, EventStoreConnector};
use auction_app::ports::events::event_tail::{EventTail, EventTailConnector};
use auction_domain::{AuctionId, BidId, UserId};
use auction_testkit::fixtures::{P, auction_created, batch, bid_placed, fresh};
use auction_testkit::memory::{MemoryStore, MemoryStreams, MemoryTail, MemoryTailConnector};
use auction_wire::EventRecord;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::{Instant, timeout};
use worker_runtime::health::Health;
use worker_runtime::shutdown::{ShutdownTrigger, shutdown_pair};

const GATHER: Duration = Duration::from_millis(100);

/// Streams whose server can be away.
#[derive(Clone)]
struct Tails(MemoryTailConnector, Arc<AtomicBool>);

struct Tail(MemoryTail, Arc<AtomicBool>);

fn check(away: &AtomicBool) -> Result<(), Unavailable> {
    if away.load(Ordering::Relaxed) { Err(Unavailable::new("redis", "away")) } else { Ok(()) }
}

impl EventTailConnector for Tails {
    type Tail = Tail;
    async fn open(&self) -> Result<Tail, Unavailable> {
        check(&self.1)?;
        Ok(Tail(self.0.open().await?, self.1.clone()))
    }
}

impl EventTail for Tail {
    async fn read(&mut self) -> Result<Vec<EventRecord>, Unavailable> {
        check(&self.1)?;
        self.0.read().await
    }
}

/// A store that does not tell one of its auctions.
#[derive(Clone)]
struct Events(MemoryStore, Arc<OnceLock<AuctionId>>);

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

/// A store, a stream, and somebody who tells.
struct World {
    store: MemoryStore,
    streams: MemoryStreams,
    away: Arc<AtomicBool>,
    untold: Arc<OnceLock<AuctionId>>,
    live: Arc<BroadcastHub>,
    stopper: ShutdownTrigger,
    auction: AuctionId,
    head: u64,
    version: u64,
}

impl World {
    /// With an auction in which nobody has bid.
    async fn new(listeners: usize) -> World {
        let (store, streams, away) = (MemoryStore::default(), MemoryStreams::default(), Arc::default());
        let live = Arc::new(BroadcastHub::new(listeners, GATHER));
        let (stopper, stop) = shutdown_pair();
        let tails = Tails(MemoryTailConnector(streams.clone(), P), Arc::clone(&away));
        let untold = Arc::new(OnceLock::new());
        let (tells, events) = (Arc::clone(&live), Events(store.clone(), Arc::clone(&untold)));
        tokio::spawn(async move {
            tells.run(&events, &tails, &Health::default().register("live"), stop).await;
        });
        let auction = AuctionId(fresh());
        let mut world = World { store, streams, away, untold, live, stopper, auction, head: 0, version: 0 };
        let created = world.store(vec![auction_created(None)]).await;
        world.streams.publish(P, &created);
        world
    }

    /// Events of the auction, stored and not published.
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

    /// Bids that are published.
    async fn bid(&mut self, count: u64) {
        let bids = self.bids(count).await;
        self.streams.publish(P, &bids);
    }

    async fn listen(&self, seen: Option<u64>) -> Subscriber {
        self.live.listen(self.auction, seen).await.unwrap()
    }
}

/// A server-sent event: its name, its id, and the versions of what it tells.
fn heard(shown: &[u8]) -> (String, u64, Vec<u64>) {
    let text = std::str::from_utf8(shown).unwrap();
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

/// What one is told first: its name and its id.
fn first(listener: &Subscriber) -> (String, u64) {
    let (name, id, _) = heard(listener.first.as_ref().unwrap());
    (name, id)
}

/// The versions of what one missed, as he is told.
fn missed(listener: &Subscriber) -> Vec<u64> {
    let (name, _, versions) = heard(listener.first.as_ref().unwrap());
    assert_eq!(name, "events");
    versions
}

/// The next so many events at least, passing over signs of life.
async fn next(listener: &mut Subscriber, count: usize) -> Vec<u64> {
    let mut all = Vec::new();
    while all.len() < count {
        let shown = timeout(Duration::from_secs(60), listener.then.recv()).await.unwrap().unwrap();
        if !shown.starts_with(b":") {
            all.extend(heard(&shown).2);
        }
    }
    all
}

#[tokio::test(start_paused = true)]
async fn a_listener_is_told_how_the_auction_stands_and_then_every_event_in_order() {
    let mut world = World::new(10).await;
    world.bid(3).await;
    let mut listener = world.listen(None).await;
    assert_eq!(first(&listener), ("auction".to_owned(), 4));
    world.bid(2).await;
    world.bid(1).await;
    assert_eq!(next(&mut listener, 3).await, [5, 6, 7]);
}

#[tokio::test(start_paused = true)]
async fn what_comes_fast_is_told_in_one_go_and_the_first_of_it_at_once() {
    let mut world = World::new(10).await;
    let mut listener = world.listen(None).await;
    let began = Instant::now();
    world.bid(1).await;
    assert_eq!(next(&mut listener, 1).await, [2]);
    assert!(began.elapsed() < GATHER / 2);
    for _ in 0..4 {
        world.bid(1).await;
        tokio::time::sleep(GATHER / 10).await;
    }
    let shown = listener.then.recv().await.unwrap();
    assert_eq!(heard(&shown).2, [3, 4, 5, 6]);
    assert!(began.elapsed() < GATHER * 3);
}

#[tokio::test(start_paused = true)]
async fn who_was_away_is_told_what_he_missed() {
    let mut world = World::new(10).await;
    world.bid(5).await;
    assert_eq!(missed(&world.listen(Some(3)).await), [4, 5, 6]);
    assert!(world.listen(Some(6)).await.first.is_none(), "nothing was missed");
}

#[tokio::test(start_paused = true)]
async fn who_was_away_for_too_long_begins_anew() {
    let mut world = World::new(10).await;
    world.bid(3000).await;
    assert_eq!(first(&world.listen(Some(5)).await), ("reset".to_owned(), 3001));
    assert_eq!(missed(&world.listen(Some(2001)).await).len(), 1000);
    assert_eq!(
        first(&world.listen(Some(9999)).await),
        ("reset".to_owned(), 3001),
        "there is no such version"
    );
}

#[tokio::test(start_paused = true)]
async fn what_a_stream_has_lost_is_told_from_the_store() {
    let mut world = World::new(10).await;
    let mut listener = world.listen(None).await;
    world.bids(3).await;
    world.bid(1).await;
    assert_eq!(next(&mut listener, 4).await, [2, 3, 4, 5]);
}

#[tokio::test(start_paused = true)]
async fn who_is_ahead_of_the_stream_is_not_told_twice() {
    let mut world = World::new(10).await;
    let _first = world.listen(None).await;
    let late = world.bids(2).await;
    let mut listener = world.listen(Some(3)).await;
    assert!(listener.first.is_none());
    world.streams.publish(P, &late);
    world.bid(1).await;
    assert_eq!(next(&mut listener, 1).await, [4]);
}

#[tokio::test(start_paused = true)]
async fn while_redis_is_away_listeners_stay_and_miss_nothing() {
    let mut world = World::new(10).await;
    let mut listener = world.listen(None).await;
    world.away.store(true, Ordering::Relaxed);
    // Published while nobody reads, and gone when somebody does.
    world.bids(2).await;
    tokio::time::sleep(Duration::from_secs(20)).await;
    world.away.store(false, Ordering::Relaxed);
    assert_eq!(next(&mut listener, 2).await, [2, 3]);
}

#[tokio::test(start_paused = true)]
async fn who_begins_while_redis_is_away_misses_nothing() {
    let mut world = World::new(10).await;
    world.away.store(true, Ordering::Relaxed);
    let mut listener = world.listen(None).await;
    world.bids(2).await;
    world.away.store(false, Ordering::Relaxed);
    assert_eq!(next(&mut listener, 2).await, [2, 3]);
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_for_an_auction_that_the_store_does_not_tell() {
    let mut world = World::new(10).await;
    let mut listener = world.listen(None).await;
    let untold = AuctionId(fresh());
    world.untold.set(untold).unwrap();
    let live = Arc::clone(&world.live);
    let asks = tokio::spawn(async move { live.listen(untold, None).await.map(drop) });
    tokio::time::sleep(GATHER).await; // in paused time: everybody has done what he can
    let began = Instant::now();
    world.bid(1).await;
    assert_eq!(next(&mut listener, 1).await, [2]);
    assert!(began.elapsed() < Duration::from_secs(1));
    assert!(matches!(asks.await.unwrap(), Err(SubscribeError::Unavailable(_))));
}

#[tokio::test(start_paused = true)]
async fn who_is_too_slow_is_cut_off_and_the_others_are_not() {
    let mut world = World::new(10).await;
    let (mut slow, mut other) = (world.listen(None).await, world.listen(None).await);
    for _ in 0..100 {
        world.bid(3).await;
        next(&mut other, 3).await;
    }
    assert!(matches!(slow.then.recv().await, Err(RecvError::Lagged(_))));
}

#[tokio::test(start_paused = true)]
async fn there_is_room_for_so_many_and_whoever_leaves_makes_room() {
    let world = World::new(2).await;
    let (one, _other) = (world.listen(None).await, world.listen(None).await);
    assert!(matches!(world.live.listen(world.auction, None).await, Err(SubscribeError::Full { at_most: 2 })));
    drop(one);
    world.listen(None).await;
    let unknown = World::new(1).await.live.listen(AuctionId(fresh()), None).await;
    assert!(matches!(unknown, Err(SubscribeError::UnknownAuction)));
}

#[tokio::test(start_paused = true)]
async fn everybody_hears_signs_of_life_and_is_told_when_it_stops() {
    let world = World::new(10).await;
    let mut listener = world.listen(None).await;
    let shown = timeout(Duration::from_secs(16), listener.then.recv()).await.unwrap().unwrap();
    assert_eq!(&shown[..], b":\n\n");
    world.stopper.stop();
    assert!(matches!(listener.then.recv().await, Err(RecvError::Closed)));
    assert!(matches!(world.live.listen(world.auction, None).await, Err(SubscribeError::Unavailable(_))));
}
