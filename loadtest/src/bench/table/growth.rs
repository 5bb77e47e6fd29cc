//! Row 12: throughput and start time of the writer with many stored events.

mod fill;

use super::report::number;
use super::row::Row;
use super::{Measurement, TableArgs};
use crate::Failure;
use crate::bench::backlog::{BidPattern, add_commands, auction, partition};
use crate::bench::environment::{BenchEnvironment, sync_disks};
use crate::bench::resource_usage::Meter;
use auction_app::ports::events::event_store::{EventStore, EventStoreConnector};
use std::time::{Duration, Instant};

/// Number of auctions that are loaded, one after the other.
const LOADED_AUCTIONS: usize = 200;

/// Servers with this many stored events.
struct FilledStore {
    bench: BenchEnvironment,
    events: u64,
    /// Number of the next bid.
    next: usize,
}

pub(super) async fn measure(arguments: &TableArgs) -> Result<Vec<Measurement>, Failure> {
    let mut filled_stores = Vec::new();
    for events in &arguments.events {
        let (began, bench) =
            (Instant::now(), BenchEnvironment::with_auctions(arguments.bid_pattern().users, 1).await?);
        fill::fill(&bench, *events, arguments.bid_pattern().users).await?;
        println!("row 12: {events} events created in {:.0} s", began.elapsed().as_secs_f64());
        filled_stores.push(FilledStore { bench, events: *events, next: 0 });
    }
    let mut measured = Vec::new();
    // Alternating, so that a slow period of the machine affects all of them.
    for _ in 0..arguments.rounds {
        for store in &mut filled_stores {
            measured.extend(store.drain(arguments).await?);
        }
    }
    for store in filled_stores {
        let loading = 1000.0 * store.load().await?.as_secs_f64();
        measured.push(store.figure("load", "load an auction of ten events", loading, "ms"));
        store.bench.stop().await?;
    }
    Ok(measured)
}

impl FilledStore {
    fn figure(&self, which: &str, name: &str, value: f64, unit: &'static str) -> Measurement {
        let name = format!("with {} stored events: {name}", number(self.events as f64));
        Measurement::of(Row::Growth, &format!("{} {which}", self.events), &name, value, unit)
    }

    /// Measures the start time and the throughput of a writer with a backlog on auctions that are not in
    /// memory.
    async fn drain(&mut self, arguments: &TableArgs) -> Result<Vec<Measurement>, Failure> {
        let (bench, bids) = (&self.bench, arguments.bids);
        let auctions = fill::auctions(self.events).min(arguments.bid_pattern().auctions);
        let bid_pattern = BidPattern { auctions, ..arguments.bid_pattern() };
        add_commands(
            &mut bench.redis().await?,
            (self.next..self.next + bids).map(|n| bid_pattern.command(n)),
        )
        .await?;
        self.next += bids;
        sync_disks()?;
        let (begin, began) = (bench.events().await?, Instant::now());
        let writer = bench.writer()?;
        bench.wait_for_events(begin + 1).await?;
        let start = 1000.0 * began.elapsed().as_secs_f64();
        let (meter, first) = (Meter::start()?, bench.events().await?);
        let last = begin + bids as u64;
        bench.wait_until_published(last).await?;
        let usage = meter.stop()?;
        writer.end()?;
        let rate = (last - first) as f64 / usage.took.as_secs_f64();
        let rate = self.figure("rate", "the writer, no consumers", rate, "bids/s");
        let start = self.figure("start", "start of a writer until its first decision", start, "ms");
        Ok(vec![Measurement { usage: Some(usage), ..rate }, start])
    }

    /// Returns the median time to load all events of an auction that was not loaded before.
    async fn load(&self) -> Result<Duration, Failure> {
        let mut store = self.bench.stores()?.open().await?;
        let (all, mut took) = (fill::auctions(self.events), Vec::new());
        for turn in 0..LOADED_AUCTIONS.min(all - 1) {
            // From the end, because the first auctions have been bid on.
            let auction = auction(all - 1 - turn);
            let until = store.head(partition(auction.0)?).await?;
            let began = Instant::now();
            let history = store.history_since_snapshot(&[auction.0], until).await?;
            took.push(began.elapsed());
            if history.events.is_empty() {
                return Err(format!("auction {} has no events", auction.0).into());
            }
        }
        took.sort_unstable();
        Ok(took[took.len() / 2])
    }
}
