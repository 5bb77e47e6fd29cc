//! Tests of reads from an auction's stored events, in paused time.

use async_trait::async_trait;
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

/// Slow store that counts concurrent reads.
#[derive(Clone)]
struct Slow {
    store: MemoryStore,
    delay: Duration,
    reading: Arc<AtomicUsize>,
    max_reading: Arc<AtomicUsize>,
}

impl Slow {
    fn new(delay: Duration) -> Slow {
        let (reading, max_reading) = Default::default();
        Slow { store: MemoryStore::default(), delay, reading, max_reading }
    }
}

#[async_trait]
impl AuctionEventReader for Slow {
    async fn events_of(
        &self,
        auction: AuctionId,
        after: u64,
        limit: usize,
    ) -> Result<Vec<EventRecord>, Unavailable> {
        let reading = self.reading.fetch_add(1, Ordering::Relaxed) + 1;
        self.max_reading.fetch_max(reading, Ordering::Relaxed);
        tokio::time::sleep(self.delay).await;
        self.reading.fetch_sub(1, Ordering::Relaxed);
        self.store.events_of(auction, after, limit).await
    }
}

/// Stores an auction with this number of bids.
async fn auction(store: &MemoryStore, bids: u64) -> AuctionId {
    let auction = fresh();
    let mut events = vec![(auction, 1, auction_created(None))];
    for n in 1..=bids {
        events.push((auction, n + 1, bid_placed(BidId(fresh()), UserId(fresh()), 10_000 + n)));
    }
    store.open().await.unwrap().append(&batch(0, events)).await.unwrap();
    AuctionId(auction)
}

fn reader_of_two(events: Slow) -> Arc<AuctionHistoryReader> {
    Arc::new(AuctionHistoryReader::new(Arc::new(events), NonZeroUsize::new(2).unwrap()))
}

#[tokio::test(start_paused = true)]
async fn history_reader_limits_concurrent_reads_and_rejects_the_rest() {
    let slow = Slow::new(Duration::from_millis(400));
    let (auction, max_reading) = (auction(&slow.store, 3).await, Arc::clone(&slow.max_reading));
    let (reader, began, mut requests) = (reader_of_two(slow), Instant::now(), JoinSet::new());
    for _ in 0..100 {
        let reader = Arc::clone(&reader);
        requests.spawn(async move { reader.latest(auction).await.is_ok() });
    }
    let succeeded = requests.join_all().await.into_iter().filter(|is_ok| *is_ok).count();
    // Reads that start within a second: two each at 0, 400 and 800 milliseconds.
    assert_eq!((succeeded, max_reading.load(Ordering::Relaxed)), (6, 2));
    assert!(began.elapsed() < Duration::from_secs(2));
}

#[tokio::test(start_paused = true)]
async fn history_reader_times_out_when_the_store_hangs() {
    let slow = Slow::new(Duration::from_secs(3600));
    let auction = auction(&slow.store, 1).await;
    let began = Instant::now();
    assert!(reader_of_two(slow).at_version(auction, 1).await.is_err());
    assert_eq!(began.elapsed().as_secs(), 5);
}

#[tokio::test]
async fn history_reader_returns_a_long_auction_at_a_version() {
    let slow = Slow::new(Duration::ZERO);
    let auction = auction(&slow.store, 12_000).await;
    let reader = reader_of_two(slow);
    let AtVersion::Found(then) = reader.at_version(auction, 10_001).await.unwrap() else { panic!() };
    let then = String::from_utf8(then).unwrap();
    assert!(then.contains("\"bids\":10000,") && then.ends_with("\"version\":10001}"), "{then}");
    let later = reader.at_version(auction, 12_002).await.unwrap();
    assert_eq!(later, AtVersion::NotReached { current: 12_001 });
    assert_eq!(reader.at_version(AuctionId(fresh()), 1).await.unwrap(), AtVersion::UnknownAuction);
    assert_eq!(reader.latest(AuctionId(fresh())).await.unwrap(), None);
}
