//! A closing rush: everybody bids on one auction as fast as it is decided, and all are told.

use crate::Failure;
use crate::bench::backlog::{bid, give};
use crate::bench::environment::{BenchEnvironment, quiet};
use clap::Args;
use std::time::{Duration, Instant};

/// Between two looks at how far it is.
const LOOK: Duration = Duration::from_millis(20);

/// `auction-loadtest bench rush`
#[derive(Args)]
pub(crate) struct RushArgs {
    /// Who bid, and are told
    #[arg(long, default_value_t = 1000)]
    bidders: usize,
    /// Bids, each above all before
    #[arg(long, default_value_t = 20_000)]
    bids: usize,
    /// How long events gather after each telling, in milliseconds; a row of the table for each
    #[arg(long, value_delimiter = ',', default_value = "1000,0")]
    intervals: Vec<u32>,
    /// At most so many events in one telling
    #[arg(long, default_value_t = 5000)]
    batch: usize,
}

pub(crate) async fn run(arguments: RushArgs) -> Result<(), Failure> {
    println!("| interval | bids | bids/s | notifications | notifications/s | for each bidder | tellings |");
    println!("|---:|---:|---:|---:|---:|---:|---:|");
    for interval in &arguments.intervals {
        println!("{}", measure(&arguments, *interval).await?);
    }
    Ok(())
}

async fn measure(arguments: &RushArgs, interval: u32) -> Result<String, Failure> {
    let RushArgs { bidders, bids, batch, .. } = *arguments;
    let bench = BenchEnvironment::with_auctions(bidders, 1).await?;
    let settings = [
        ("AUCTION__NOTIFIER__INTERVAL_MS", interval.to_string()),
        ("AUCTION__NOTIFIER__BATCH", batch.to_string()),
    ];
    let notifier = bench.process("notifier", &settings)?;
    // Its start, and the leases, are no part of it.
    told(&bench).await?;
    let begin = bench.events().await?;
    give(&mut bench.redis().await?, (0..bids).map(|n| bid(n, 1, bidders))).await?;
    quiet()?;
    let writer = bench.writer()?;
    bench.reached(begin + 1).await?;
    let began = Instant::now();
    bench.reached(begin + bids as u64).await?;
    let decided = began.elapsed().as_secs_f64();
    told(&bench).await?;
    let all = began.elapsed().as_secs_f64();
    writer.end()?;
    notifier.end()?;
    let count = async |query: &str| {
        let row = bench.database().query_one(query, &[]).await?;
        Ok::<_, Failure>(row.get::<_, i64>(0))
    };
    let notifications = count("SELECT coalesce(sum(last), 0)::bigint FROM inboxes").await?;
    let tellings = count("SELECT coalesce(max(last), 0) FROM inboxes").await?;
    bench.stop().await?;
    Ok(format!(
        "| {interval} ms | {bids} | {:.0} | {notifications} | {:.0} | {:.1} | {tellings} |",
        bids as f64 / decided,
        notifications as f64 / all,
        notifications as f64 / bidders as f64,
    ))
}

/// Waits until all events are told.
async fn told(bench: &BenchEnvironment) -> Result<(), Failure> {
    let behind = "SELECT count(*) FROM partitions p LEFT JOIN notifier_checkpoints n ON n.partition = p.id \
                  WHERE coalesce(n.position, 0) < p.head";
    while bench.database().query_one(behind, &[]).await?.get::<_, i64>(0) > 0 {
        tokio::time::sleep(LOOK).await;
    }
    Ok(())
}
