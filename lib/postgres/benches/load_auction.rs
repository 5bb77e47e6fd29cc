//! Measures loading an auction with many bids: from all its events and from a snapshot, and the cost of a
//! snapshot.
//!
//! `cargo bench -p auction-postgres --bench load_auction` prints a table. Without `--bench`, as in a test
//! run, it only checks that the benchmark works.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

use auction_app::ports::events::event_store::{AppendResult, EventStore, EventStoreConnector};
use auction_app::writer::aggregate_cache::AggregateCache;
use auction_domain::auction::{Auction, AuctionState};
use auction_domain::{BidId, UserId};
use auction_postgres::{PostgresStore, PostgresStoreConnector};
use auction_testkit::fixtures::{auction_created, batch, bid_placed, fresh};
use auction_testkit::local_servers::database;
use auction_wire::SnapshotRecord;
use std::hint::black_box;
use std::num::NonZeroUsize;
use std::time::{Duration, Instant};
use uuid::Uuid;

const BIDDERS: usize = 1_000;
const RUNS: usize = 5;
/// Number of events after the snapshot.
const EVENTS_AFTER_SNAPSHOT: usize = 100;

/// Stores an auction with `bids` bids.
async fn stored(store: &mut PostgresStore, bids: usize) -> Uuid {
    let auction = fresh();
    let bidders: Vec<UserId> = (0..BIDDERS).map(|_| UserId(fresh())).collect();
    let mut events = vec![(auction, 1, auction_created(None))];
    // Each bidder raises in steps of a different size, so that new bids get all ranks.
    events.extend((0..bids).map(|n| {
        let (bidder, round) = (n * 7 % BIDDERS, (n / BIDDERS) as u64 + 1);
        let amount = 100 + round * (bidder as u64 + 1);
        (auction, n as u64 + 2, bid_placed(BidId(Uuid::new_v4()), bidders[bidder], amount))
    }));
    let mut head = store.head(auction_testkit::fixtures::P).await.unwrap();
    for chunk in events.chunks(1_000) {
        assert_eq!(store.append(&batch(head, chunk.to_vec())).await.unwrap(), AppendResult::Committed);
        head += chunk.len() as u64;
    }
    auction
}

/// Returns the median duration of some runs.
async fn timed<T>(mut run: impl AsyncFnMut() -> T) -> Duration {
    let mut durations = Vec::new();
    for _ in 0..RUNS {
        let started = Instant::now();
        black_box(run().await);
        durations.push(started.elapsed());
    }
    durations.sort();
    durations[RUNS / 2]
}

async fn load(store: &mut PostgresStore, auction: Uuid) -> Auction {
    let mut aggregates = AggregateCache::new(NonZeroUsize::MIN);
    aggregates.load(store, &[auction]).await.unwrap();
    aggregates.get(auction).auction.take().unwrap()
}

async fn measure(bids: usize) {
    let mut store = PostgresStoreConnector::new(&database().await).unwrap().open().await.unwrap();
    let auction = stored(&mut store, bids).await;
    let head = store.head(auction_testkit::fixtures::P).await.unwrap();
    let from_events = timed(async || load(&mut store, auction).await).await;
    let state = load(&mut store, auction).await;
    let full = state.state();
    let later = EVENTS_AFTER_SNAPSHOT.min(bids / 2) as u64;
    let snapshot = AuctionState {
        version: full.version - later,
        bids: full.bids[..bids - later as usize].to_vec(),
        ..full.clone()
    };
    let record = SnapshotRecord::of(auction, head - later, &snapshot);
    let copy = timed(async || state.state()).await;
    let write = timed(async || SnapshotRecord::of(auction, head, &snapshot)).await;
    let read = timed(async || record.auction().unwrap()).await;
    let started = Instant::now();
    store.save_snapshot(&record).await.unwrap();
    let save = started.elapsed();
    assert_eq!(load(&mut store, auction).await.state(), full, "the snapshot loads the same auction");
    let from_snapshot = timed(async || load(&mut store, auction).await).await;
    let ms = |time: Duration| time.as_secs_f64() * 1e3;
    println!(
        "{bids:>8} {:>12.1} {:>14.1} {:>7.1} {:>9.2} {:>9.1} {:>8.1} {:>8.1} {:>11}",
        ms(from_events),
        ms(from_snapshot),
        ms(from_events) / ms(from_snapshot),
        ms(copy),
        ms(write),
        ms(save),
        ms(read),
        record.body.len()
    );
}

#[tokio::main]
async fn main() {
    let sizes: &[usize] =
        if std::env::args().any(|arg| arg == "--bench") { &[1_000, 10_000, 100_000] } else { &[200] };
    println!(
        "{:>8} {:>12} {:>14} {:>7} {:>9} {:>9} {:>8} {:>8} {:>11}",
        "bids",
        "events, ms",
        "snapshot, ms",
        "ratio",
        "copy, ms",
        "write, ms",
        "save, ms",
        "read, ms",
        "bytes"
    );
    for bids in sizes {
        measure(*bids).await;
    }
}
