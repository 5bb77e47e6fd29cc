//! Row 12: whether the writer is slower, or starts later, when much is stored.

mod fill;

use super::report::number;
use super::row::Row;
use super::{Measured, TableArgs};
use crate::Failure;
use crate::bench::backlog::{Crowd, auction, give, partition};
use crate::bench::environment::{BenchEnvironment, quiet};
use crate::bench::resource_usage::Meter;
use auction_app::ports::events::event_store::{EventStore, EventStoreConnector};
use std::time::{Duration, Instant};

/// Auctions that are loaded, one after the other.
const LOADED: usize = 200;

/// A server pair with so many events.
struct Store {
    bench: BenchEnvironment,
    events: u64,
    /// The next bid.
    next: usize,
}

pub(super) async fn measure(arguments: &TableArgs) -> Result<Vec<Measured>, Failure> {
    let mut stores = Vec::new();
    for events in &arguments.events {
        let (began, bench) =
            (Instant::now(), BenchEnvironment::with_auctions(arguments.crowd().users, 1).await?);
        fill::fill(&bench, *events, arguments.crowd().users).await?;
        println!("row 12: {events} events were made in {:.0} s", began.elapsed().as_secs_f64());
        stores.push(Store { bench, events: *events, next: 0 });
    }
    let mut measured = Vec::new();
    // By turns, so that a slow minute of the machine hits all.
    for _ in 0..arguments.rounds {
        for store in &mut stores {
            measured.extend(store.drain(arguments).await?);
        }
    }
    for store in stores {
        let loading = 1000.0 * store.load().await?.as_secs_f64();
        measured.push(store.figure("load", "an auction of ten events is loaded within", loading, "ms"));
        store.bench.stop().await?;
    }
    Ok(measured)
}

impl Store {
    fn figure(&self, which: &str, name: &str, value: f64, unit: &'static str) -> Measured {
        let name = format!("with {} events stored: {name}", number(self.events as f64));
        Measured::of(Row::Growth, &format!("{} {which}", self.events), &name, value, unit)
    }

    /// How long a writer takes to start, and how fast it is then, with a backlog on auctions that it has not in memory.
    async fn drain(&mut self, arguments: &TableArgs) -> Result<Vec<Measured>, Failure> {
        let (bench, bids) = (&self.bench, arguments.bids);
        let auctions = fill::auctions(self.events).min(arguments.crowd().auctions);
        let crowd = Crowd { auctions, ..arguments.crowd() };
        give(&mut bench.redis().await?, (self.next..self.next + bids).map(|n| crowd.command(n))).await?;
        self.next += bids;
        quiet()?;
        let (begin, began) = (bench.events().await?, Instant::now());
        let writer = bench.writer()?;
        bench.reached(begin + 1).await?;
        let start = 1000.0 * began.elapsed().as_secs_f64();
        let (meter, first) = (Meter::start()?, bench.events().await?);
        let last = begin + bids as u64;
        bench.all_published(last).await?;
        let cost = meter.stop()?;
        writer.end()?;
        let rate = (last - first) as f64 / cost.took.as_secs_f64();
        let rate = self.figure("rate", "the writer, nobody follows", rate, "bids/s");
        let start = self.figure("start", "a writer starts and has decided within", start, "ms");
        Ok(vec![Measured { cost: Some(cost), ..rate }, start])
    }

    /// How long it takes to have all events of an auction, the median of some that nobody asked for before.
    async fn load(&self) -> Result<Duration, Failure> {
        let mut store = self.bench.stores()?.open().await?;
        let (all, mut took) = (fill::auctions(self.events), Vec::new());
        for turn in 0..LOADED.min(all - 1) {
            // The last ones: the first have been bid on.
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
