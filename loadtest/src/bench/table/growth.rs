//! Row 12: throughput and start time of the writer with many stored events.

use super::report::number;
use super::row::Row;
use super::{Measurement, TableArgs};
use crate::Failure;
use crate::bench::bench_portal::{BenchPortal, BidPattern, percentile, sync_disks};
use auction_app::ports::events::event_store::{EventStore, EventStoreConnector};
use auction_redis::keys;
use auction_wire::Channel;
use std::time::Instant;

/// Bids of each stored auction; its other event is its creation.
const BIDS_PER_AUCTION: usize = 9;

/// Auctions that are created and bid on before the streams are trimmed.
const AUCTIONS_PER_ROUND: usize = 10_000;

/// Number of auctions that are loaded, one after the other.
const LOADED_AUCTIONS: usize = 200;

/// A portal with this many stored events.
struct FilledStore {
    bench: BenchPortal,
    events: u64,
    /// Number of the next bid.
    next: usize,
}

pub(super) async fn measure(arguments: &TableArgs) -> Result<Vec<Measurement>, Failure> {
    let (mut filled_stores, mut measured) = (Vec::new(), Vec::new());
    for events in &arguments.events {
        let began = Instant::now();
        let store = FilledStore::fill(*events, arguments.bid_pattern()).await?;
        println!("row 12: {events} events created in {:.0} s", began.elapsed().as_secs_f64());
        measured.push(store.figure("load", "load an auction of ten events", store.load().await?, "ms"));
        filled_stores.push(store);
    }
    // Alternating, so that a slow period of the machine affects all of them.
    for _ in 0..arguments.rounds {
        for store in &mut filled_stores {
            measured.extend(store.drain(arguments).await?);
        }
    }
    for store in filled_stores {
        store.bench.portal.stop().await?;
    }
    Ok(measured)
}

impl FilledStore {
    /// Lets a writer store auctions of ten events, and leaves the last event of each partition on its stream.
    async fn fill(events: u64, bid_pattern: BidPattern) -> Result<FilledStore, Failure> {
        let all = usize::try_from(events)? / (1 + BIDS_PER_AUCTION);
        let mut bench = BenchPortal::start(bid_pattern.users, 0).await?;
        bench.portal.start_components(&["writer"])?;
        while bench.run_ids.auctions.len() < all {
            let first = bench.run_ids.auctions.len();
            let auctions = AUCTIONS_PER_ROUND.min(all - first);
            let before = bench.events().await?;
            bench.add_auctions(auctions).await?;
            // Bids may overtake creations on another stream.
            bench.wait_for_events(before + auctions as u64).await?;
            let of_round = BidPattern { first, auctions, ..bid_pattern };
            bench.add_bids(of_round, 0..BIDS_PER_AUCTION * auctions).await?;
            bench.wait_until_published(before + (auctions * (1 + BIDS_PER_AUCTION)) as u64).await?;
            trim(&mut bench).await?;
        }
        bench.portal.end(&["writer"])?;
        trim(&mut bench).await?;
        // Maintenance that the database would otherwise run during the measurement.
        bench.database.batch_execute("VACUUM ANALYZE").await?;
        bench.database.batch_execute("CHECKPOINT").await?;
        sync_disks()?;
        Ok(FilledStore { bench, events, next: BIDS_PER_AUCTION * all })
    }

    fn figure(&self, which: &str, name: &str, value: f64, unit: &'static str) -> Measurement {
        let name = format!("with {} stored events: {name}", number(self.events as f64));
        Measurement::of(Row::Growth, &format!("{} {which}", self.events), &name, value, unit)
    }

    /// Measures the start time and the throughput of a writer with a backlog on auctions that are not in
    /// memory.
    async fn drain(&mut self, arguments: &TableArgs) -> Result<Vec<Measurement>, Failure> {
        let (bench, bids) = (&mut self.bench, arguments.bids);
        let auctions = bench.run_ids.auctions.len().min(arguments.bid_pattern().auctions);
        let bid_pattern = BidPattern { auctions, ..arguments.bid_pattern() };
        bench.add_bids(bid_pattern, self.next..self.next + bids).await?;
        self.next += bids;
        sync_disks()?;
        let last = bench.events().await? + bids as u64;
        let (start, meter, first) = bench.start_decider(false).await?;
        bench.wait_until_published(last).await?;
        let usage = meter.stop()?;
        bench.portal.end(&["writer"])?;
        let rate = (last - first) as f64 / usage.took.as_secs_f64();
        let rate = self.figure("rate", "the writer, no consumers", rate, "bids/s");
        let start = 1000.0 * start.as_secs_f64();
        let start = self.figure("start", "start of a writer until its first decision", start, "ms");
        Ok(vec![Measurement { usage: Some(usage), ..rate }, start])
    }

    /// Returns the median time in milliseconds to load all events of an auction.
    async fn load(&self) -> Result<f64, Failure> {
        let (mut store, mut took) = (self.bench.stores()?.open().await?, Vec::new());
        for auction in self.bench.run_ids.auctions.iter().take(LOADED_AUCTIONS) {
            let until = store.head(self.bench.partitions.of(*auction)).await?;
            let began = Instant::now();
            let history = store.history_since_snapshot(&[*auction], until).await?;
            took.push(began.elapsed().as_micros() as u64);
            if history.events.is_empty() {
                return Err(format!("auction {auction} has no events").into());
            }
        }
        Ok(percentile(took.into_iter(), 0.5))
    }
}

/// Removes all entries but the last of each stream, as the retention does.
async fn trim(bench: &mut BenchPortal) -> Result<(), Failure> {
    let mut trim = redis::pipe();
    for partition in bench.partitions.all() {
        let commands = Channel::ALL.iter().map(|channel| keys::commands(partition, *channel));
        for stream in commands.chain([keys::events(partition)]) {
            trim.cmd("XTRIM").arg(stream).arg("MAXLEN").arg(1).ignore();
        }
    }
    Ok(trim.query_async(&mut bench.redis).await?)
}
