//! How fast stored bids become views: the projector alone, catching up, and a rebuild beside live views.

use crate::Failure;
use crate::backlog::{PARTITIONS, bid, give};
use crate::bench::{Bench, Cost, Meter, quiet};
use auction_app::ports::generations::Generations;
use auction_app::ports::view_store::Views;
use auction_app::rebuild::rebuild;
use auction_postgres::lookup::PostgresLookup;
use auction_redis::views::{RedisGenerations, RedisViews};
use auction_wire::PartitionCount;
use clap::Args;
use std::num::NonZeroUsize;
use std::time::Duration;

const USERS: usize = 1000;

/// Between two looks at how far it is.
const LOOK: Duration = Duration::from_millis(20);

/// `loadtest project`
#[derive(Args)]
pub(crate) struct ProjectArgs {
    /// Bids that are stored and on the streams
    #[arg(long, default_value_t = 200_000)]
    bids: usize,
    /// Auctions that they are on, one row each
    #[arg(long, value_delimiter = ',', default_value = "1000,1")]
    auctions: Vec<usize>,
    /// How many users bid
    #[arg(long, default_value_t = USERS)]
    users: usize,
}

pub(crate) async fn run(arguments: ProjectArgs) -> Result<(), Failure> {
    println!("| | events/s | CPU µs per event: worker | Redis | Postgres |\n|---|---:|---:|---:|---:|");
    for auctions in &arguments.auctions {
        let bench = Bench::with_auctions(arguments.users, *auctions).await?;
        let bids = (0..arguments.bids).map(|n| bid(n, *auctions, arguments.users));
        give(&mut bench.redis().await?, bids).await?;
        let writer = bench.writer()?;
        bench.reached((arguments.users + auctions + arguments.bids) as u64).await?;
        writer.end()?;
        quiet()?;
        let views = Viewing::new(&bench)?;
        let projector = bench.process("projector", &[])?;
        // Its start, and the leases, are no part of it.
        let first = views.reached(1).await?;
        let meter = Meter::start()?;
        let events = views.reached(bench.events().await?).await? - first;
        line("the projector", *auctions, events, &meter.stop()?);
        projector.end()?;
        quiet()?;
        let (meter, mut events) = (Meter::start()?, 0);
        let parking = PostgresLookup::new(&bench.stores()?, 1)?;
        let stores = bench.stores()?;
        for partition in views.partitions.all() {
            let boards = NonZeroUsize::MAX;
            events += rebuild(&stores, &views.generations, &parking, partition, boards).await?.events;
        }
        line("a rebuild", *auctions, events, &meter.stop()?);
        let dropped = views.generations.drop_old().await?;
        println!("({dropped} keys of the old generation dropped)");
        bench.stop().await?;
    }
    Ok(())
}

fn line(what: &str, auctions: usize, events: u64, cost: &Cost) {
    let per_second = events as f64 / cost.took.as_secs_f64();
    let cpu = |kind| 1e6 * cost.cpu.get(kind).copied().unwrap_or_default() / events as f64;
    let auctions = if auctions == 1 { "one auction".to_owned() } else { format!("{auctions} auctions") };
    let (worker, redis, postgres) = (cpu("worker"), cpu("redis"), cpu("postgres"));
    println!("| {what}, {auctions} | {per_second:.0} | {worker:.1} | {redis:.1} | {postgres:.1} |");
}

/// How far the views are.
struct Viewing {
    views: RedisViews,
    generations: RedisGenerations,
    partitions: PartitionCount,
}

impl Viewing {
    fn new(bench: &Bench) -> Result<Viewing, Failure> {
        let pool = deadpool_redis::Config::from_url(bench.redis_url());
        let pool = pool.create_pool(Some(deadpool_redis::Runtime::Tokio1))?;
        let partitions = PartitionCount::new(PARTITIONS)?;
        let generations = RedisGenerations::new(bench.redis_client()?, pool.clone());
        Ok(Viewing { views: RedisViews::new(pool, partitions), generations, partitions })
    }

    /// Waits until so many events are in the views; how many they are then.
    async fn reached(&self, events: u64) -> Result<u64, Failure> {
        loop {
            let mut position = 0;
            for partition in self.partitions.all() {
                position += self.views.checkpoint(partition).await?;
            }
            if position >= events {
                return Ok(position);
            }
            tokio::time::sleep(LOOK).await;
        }
    }
}
