//! Measures a closing rush: all users bid on one auction as fast as the bids are decided, and are notified.

use crate::Failure;
use crate::bench::backlog::{add_commands, bid};
use crate::bench::environment::{BenchEnvironment, sync_disks};
use clap::Args;
use std::time::{Duration, Instant};

const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// Arguments of `auction-loadtest bench rush`.
#[derive(Args)]
pub(crate) struct RushArgs {
    /// Number of bidders, all of whom are notified
    #[arg(long, default_value_t = 1000)]
    bidders: usize,
    /// Number of bids, each above all earlier ones
    #[arg(long, default_value_t = 20_000)]
    bids: usize,
    /// Values of notifier.interval_ms, separated by commas; one measurement for each
    #[arg(long, value_delimiter = ',', default_value = "1000,0")]
    intervals: Vec<u32>,
    /// Maximum number of events in one batch of the notifier
    #[arg(long, default_value_t = 5000)]
    batch: usize,
}

pub(crate) async fn run(arguments: RushArgs) -> Result<(), Failure> {
    println!("| interval | bids | bids/s | notifications | notifications/s | per bidder | batches |");
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
        ("AUCTION__NOTIFIER__MAX_BATCH", batch.to_string()),
    ];
    let notifier = bench.process("notifier", &settings)?;
    // The start of the process and the acquisition of leases are not measured.
    wait_until_notified(&bench).await?;
    let begin = bench.events().await?;
    add_commands(&mut bench.redis().await?, (0..bids).map(|n| bid(n, 1, bidders))).await?;
    sync_disks()?;
    let writer = bench.writer()?;
    bench.wait_for_events(begin + 1).await?;
    let began = Instant::now();
    bench.wait_for_events(begin + bids as u64).await?;
    let decided = began.elapsed().as_secs_f64();
    wait_until_notified(&bench).await?;
    let all = began.elapsed().as_secs_f64();
    writer.end()?;
    notifier.end()?;
    let count = async |query: &str| {
        let row = bench.database().query_one(query, &[]).await?;
        Ok::<_, Failure>(row.get::<_, i64>(0))
    };
    let notifications = count("SELECT coalesce(sum(last), 0)::bigint FROM inboxes").await?;
    let batches = count("SELECT coalesce(max(last), 0) FROM inboxes").await?;
    bench.stop().await?;
    Ok(format!(
        "| {interval} ms | {bids} | {:.0} | {notifications} | {:.0} | {:.1} | {batches} |",
        bids as f64 / decided,
        notifications as f64 / all,
        notifications as f64 / bidders as f64,
    ))
}

/// Waits until the notifier has handled all events.
async fn wait_until_notified(bench: &BenchEnvironment) -> Result<(), Failure> {
    let lagging = "SELECT count(*) FROM partitions p LEFT JOIN notifier_checkpoints n ON n.partition = p.id \
                  WHERE coalesce(n.position, 0) < p.head";
    while bench.database().query_one(lagging, &[]).await?.get::<_, i64>(0) > 0 {
        tokio::time::sleep(POLL_INTERVAL).await;
    }
    Ok(())
}
