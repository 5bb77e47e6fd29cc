//! Measures how fast stored bids become read models: by the projector while it catches up, and by a rebuild
//! of a second generation; and, for comparison, how fast the writer stores them.

use crate::Failure;
use crate::bench::backlog::{add_commands, bid};
use crate::bench::environment::{BenchEnvironment, sync_disks};
use crate::bench::read_models::ReadModels;
use crate::bench::resource_usage::{LOAD, Meter, ResourceUsage};
use auction_app::ports::views::generations::Generations;
use auction_app::projector::rebuild::rebuild;
use auction_postgres::queries::PostgresQueries;
use clap::Args;
use std::num::NonZeroUsize;

const USERS: usize = 1000;

/// Arguments of `auction-loadtest bench project`.
#[derive(Args)]
pub(crate) struct ProjectArgs {
    /// Number of bids to store
    #[arg(long, default_value_t = 200_000)]
    bids: usize,
    /// Numbers of auctions, separated by commas; one measurement for each
    #[arg(long, value_delimiter = ',', default_value = "1000,1")]
    auctions: Vec<usize>,
    /// Number of users who bid
    #[arg(long, default_value_t = USERS)]
    users: usize,
}

pub(crate) async fn run(arguments: ProjectArgs) -> Result<(), Failure> {
    println!("| | events/s | CPU µs per event: worker | Redis | Postgres |\n|---|---:|---:|---:|---:|");
    for auctions in &arguments.auctions {
        let bench = BenchEnvironment::with_auctions(arguments.users, *auctions).await?;
        let bids = (0..arguments.bids).map(|n| bid(n, *auctions, arguments.users));
        add_commands(&mut bench.redis().await?, bids).await?;
        sync_disks()?;
        let begin = bench.events().await?;
        let writer = bench.writer()?;
        // The start of the process and the acquisition of leases are not measured; the same for the
        // projector.
        bench.wait_for_events(begin + 1).await?;
        let (meter, first) = (Meter::start()?, bench.events().await?);
        bench.wait_for_events(begin + arguments.bids as u64).await?;
        let decided =
            print_row("the writer", *auctions, begin + arguments.bids as u64 - first, &meter.stop()?);
        writer.end()?;
        sync_disks()?;
        let views = ReadModels::new(&bench)?;
        let projector = bench.process("projector", &[])?;
        // The start of the process and the acquisition of leases are not measured.
        let first = views.wait_for_events(1).await?;
        let meter = Meter::start()?;
        let events = views.wait_for_events(bench.events().await?).await? - first;
        let shown = print_row("the projector", *auctions, events, &meter.stop()?);
        projector.end()?;
        sync_disks()?;
        let (meter, mut events) = (Meter::start()?, 0);
        let parking = PostgresQueries::new(&bench.stores()?, 1)?;
        let stores = bench.stores()?;
        for partition in views.partitions().all() {
            let cache_size = NonZeroUsize::MAX;
            events += rebuild(&stores, views.generations(), &parking, partition, cache_size).await?.events;
        }
        print_row("a rebuild", *auctions, events, &meter.stop()?);
        let dropped = views.generations().drop_old().await?;
        println!(
            "(projector / writer = {:.2}; {dropped} keys of the old generation deleted)",
            shown / decided
        );
        bench.stop().await?;
    }
    Ok(())
}

/// Prints a row and returns the events per second.
fn print_row(subject: &str, auctions: usize, events: u64, usage: &ResourceUsage) -> f64 {
    let per_second = events as f64 / usage.took.as_secs_f64();
    let micros = |seconds: f64| 1e6 * seconds / events as f64;
    let auctions = if auctions == 1 { "one auction".to_owned() } else { format!("{auctions} auctions") };
    // This process runs the rebuild.
    let worker = micros(usage.workers() + usage.cpu(LOAD));
    let (redis, postgres) = (micros(usage.cpu("redis")), micros(usage.cpu("postgres")));
    println!("| {subject}, {auctions} | {per_second:.0} | {worker:.1} | {redis:.1} | {postgres:.1} |");
    per_second
}
