//! How fast stored bids become views: the projector alone, catching up, and a rebuild beside live views; and,
//! to compare with, the writer that stored them.

use crate::Failure;
use crate::bench::backlog::{bid, give};
use crate::bench::environment::{BenchEnvironment, quiet};
use crate::bench::read_models::ReadModels;
use crate::bench::resource_usage::{LOAD, Meter, ResourceUsage};
use auction_app::ports::views::generations::Generations;
use auction_app::projector::rebuild::rebuild;
use auction_postgres::queries::PostgresQueries;
use clap::Args;
use std::num::NonZeroUsize;

const USERS: usize = 1000;

/// `auction-loadtest bench project`
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
        let bench = BenchEnvironment::with_auctions(arguments.users, *auctions).await?;
        let bids = (0..arguments.bids).map(|n| bid(n, *auctions, arguments.users));
        give(&mut bench.redis().await?, bids).await?;
        quiet()?;
        let begin = bench.events().await?;
        let writer = bench.writer()?;
        // Its start, and the leases, are no part of it; as with the projector.
        bench.reached(begin + 1).await?;
        let (meter, first) = (Meter::start()?, bench.events().await?);
        bench.reached(begin + arguments.bids as u64).await?;
        let decided = line("the writer", *auctions, begin + arguments.bids as u64 - first, &meter.stop()?);
        writer.end()?;
        quiet()?;
        let views = ReadModels::new(&bench)?;
        let projector = bench.process("projector", &[])?;
        // Its start, and the leases, are no part of it.
        let first = views.reached(1).await?;
        let meter = Meter::start()?;
        let events = views.reached(bench.events().await?).await? - first;
        let shown = line("the projector", *auctions, events, &meter.stop()?);
        projector.end()?;
        quiet()?;
        let (meter, mut events) = (Meter::start()?, 0);
        let parking = PostgresQueries::new(&bench.stores()?, 1)?;
        let stores = bench.stores()?;
        for partition in views.partitions().all() {
            let boards = NonZeroUsize::MAX;
            events += rebuild(&stores, views.generations(), &parking, partition, boards).await?.events;
        }
        line("a rebuild", *auctions, events, &meter.stop()?);
        let dropped = views.generations().drop_old().await?;
        println!(
            "(projector / writer = {:.2}; {dropped} keys of the old generation dropped)",
            shown / decided
        );
        bench.stop().await?;
    }
    Ok(())
}

/// Prints it; returns the events per second.
fn line(what: &str, auctions: usize, events: u64, cost: &ResourceUsage) -> f64 {
    let per_second = events as f64 / cost.took.as_secs_f64();
    let micros = |seconds: f64| 1e6 * seconds / events as f64;
    let auctions = if auctions == 1 { "one auction".to_owned() } else { format!("{auctions} auctions") };
    // A rebuild is made by this process.
    let worker = micros(cost.workers() + cost.cpu(LOAD));
    let (redis, postgres) = (micros(cost.cpu("redis")), micros(cost.cpu("postgres")));
    println!("| {what}, {auctions} | {per_second:.0} | {worker:.1} | {redis:.1} | {postgres:.1} |");
    per_second
}
