//! Auctions as the store tells them, in paused time.

use auction_app::ingress::auction_history::{AtVersion, AuctionHistoryReader};
use auction_app::ports::Unavailable;
use auction_app::ports::events::auction_event_reader::AuctionEventReader;
use auction_app::ports::events::event_store::{EventStore, EventStoreConnector};
use auction_domain::{AuctionId, BidId, UserId};
use auction_testkit::fixtures::{auction_created, batch, bid_placed, fresh};
use auction_testkit::memory::MemoryStore;
use auction_wire::EventRecord;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::Instant;

/// A store that takes its time, and counts who reads at once.
#[derive(Clone)]
struct Slow {
    store: MemoryStore,
    takes: Duration,
    reading: Arc<AtomicUsize>,
    most: Arc<AtomicUsize>,
}

impl Slow {
    fn new(takes: Duration) -> Slow {
        let (reading, most) = Default::default();
        Slow { store: MemoryStore::default(), takes, reading, most }
    }
}

impl AuctionEventReader for Slow {
    async fn events_of(
        &self,
        auction: AuctionId,
        after: u64,
        limit: usize,
    ) -> Result<Vec<EventRecord>, Unavailable> {
        let reading = self.reading.fetch_add(1, Ordering::Relaxed) + 1;
        self.most.fetch_max(reading, Ordering::Relaxed);
        tokio::time::sleep(self.takes).await;
        self.reading.fetch_sub(1, Ordering::Relaxed);
        self.store.events_of(auction, after, limit).await
    }
}

/// An auction with so many bids.
async fn auction(store: &MemoryStore, bids: u64) -> AuctionId {
    let auction = fresh();
    let mut events = vec![(auction, 1, auction_created(None))];
    for n in 1..=bids {
        events.push((auction, n + 1, bid_placed(BidId(fresh()), UserId(fresh()), 10_000 + n)));
    }
    store.open().await.unwrap().append(&batch(0, events)).await.unwrap();
    AuctionId(auction)
}

fn two_at_a_time(events: Slow) -> Arc<AuctionHistoryReader<Slow>> {
    Arc::new(AuctionHistoryReader::new(events, NonZeroUsize::new(2).unwrap()))
}

#[tokio::test(start_paused = true)]
async fn a_crowd_meets_the_store_two_at_a_time_and_the_rest_is_refused_soon() {
    let slow = Slow::new(Duration::from_millis(400));
    let (auction, most) = (auction(&slow.store, 3).await, Arc::clone(&slow.most));
    let (from_store, began, mut crowd) = (two_at_a_time(slow), Instant::now(), JoinSet::new());
    for _ in 0..100 {
        let from_store = Arc::clone(&from_store);
        crowd.spawn(async move { from_store.latest(auction).await.is_ok() });
    }
    let told = crowd.join_all().await.into_iter().filter(|told| *told).count();
    // Who has his turn within a second: at 0, 400 and 800 milliseconds.
    assert_eq!((told, most.load(Ordering::Relaxed)), (6, 2));
    assert!(began.elapsed() < Duration::from_secs(2));
}

#[tokio::test(start_paused = true)]
async fn a_store_that_does_not_answer_is_given_up() {
    let slow = Slow::new(Duration::from_secs(3600));
    let auction = auction(&slow.store, 1).await;
    let began = Instant::now();
    assert!(two_at_a_time(slow).at_version(auction, 1).await.is_err());
    assert_eq!(began.elapsed().as_secs(), 5);
}

#[tokio::test]
async fn a_long_auction_is_told_to_its_version_and_no_further() {
    let slow = Slow::new(Duration::ZERO);
    let auction = auction(&slow.store, 12_000).await;
    let from_store = two_at_a_time(slow);
    let AtVersion::Shown(then) = from_store.at_version(auction, 10_001).await.unwrap() else { panic!() };
    let then = String::from_utf8(then).unwrap();
    assert!(then.contains("\"bids\":10000,") && then.ends_with("\"version\":10001}"), "{then}");
    let later = from_store.at_version(auction, 12_002).await.unwrap();
    assert_eq!(later, AtVersion::NotYet { current: 12_001 });
    assert_eq!(from_store.at_version(AuctionId(fresh()), 1).await.unwrap(), AtVersion::Unknown);
    assert_eq!(from_store.latest(AuctionId(fresh())).await.unwrap(), None);
}
