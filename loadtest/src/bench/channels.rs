//! How long a user and an auction created now wait, while the writer works off a backlog of bids.

use crate::Failure;
use crate::bench::backlog::{auction, bid, create_auction, create_user, give, partitions, user};
use crate::bench::environment::{BenchEnvironment, quiet};
use clap::Args;
use std::time::{Duration, Instant};
use uuid::Uuid;

const USERS: usize = 1000;
const AUCTIONS: usize = 1000;

/// `auction-loadtest bench channels`
#[derive(Args)]
pub(crate) struct ChannelsArgs {
    /// Bids in the backlog
    #[arg(long, default_value_t = 500_000)]
    bids: usize,
    /// Times that something is created
    #[arg(long, default_value_t = 20)]
    times: usize,
}

pub(crate) async fn run(arguments: ChannelsArgs) -> Result<(), Failure> {
    let ChannelsArgs { bids, times } = arguments;
    let bench = BenchEnvironment::with_auctions(USERS, AUCTIONS).await?;
    let mut redis = bench.redis().await?;
    give(&mut redis, (0..bids).map(|n| bid(n, AUCTIONS, USERS))).await?;
    quiet()?;
    let writer = bench.writer()?;
    let before = (USERS + AUCTIONS) as u64;
    bench.reached(before + 1).await?;
    let mut waits = Vec::new();
    for n in 0..times {
        let (decided, began) = (bench.events().await?, Instant::now());
        let (newcomer, lot) = (user(USERS + n), auction(AUCTIONS + n));
        give(&mut redis, [Ok(create_user(newcomer)), create_auction(lot)].into_iter()).await?;
        outcome(&bench, newcomer.0).await?;
        outcome(&bench, lot.0).await?;
        waits.push((began.elapsed(), bench.events().await? - decided));
        // Spread over the backlog.
        bench.reached(before + (bids * (n + 1) / (times + 1)) as u64).await?;
    }
    let left = before + (bids + 2 * times) as u64 - bench.events().await?;
    bench.reached(before + (bids + 2 * times) as u64).await?;
    writer.end()?;
    waits.sort_unstable();
    let (median, worst) = (waits[waits.len() / 2], waits[waits.len() - 1]);
    let partitions = partitions()?.get();
    println!(
        "behind {bids} bids in {partitions} partitions, {times} times a user and an auction; {left} bids were left at the end\n"
    );
    println!("| | both decided after | bids decided meanwhile, all partitions |");
    println!("|---|---:|---:|");
    println!("| median | {:.0} ms | {} |", 1000.0 * median.0.as_secs_f64(), median.1);
    println!("| slowest | {:.0} ms | {} |", 1000.0 * worst.0.as_secs_f64(), worst.1);
    bench.stop().await
}

async fn outcome(bench: &BenchEnvironment, command: Uuid) -> Result<(), Failure> {
    let query = bench.database().prepare("SELECT 1 FROM commands WHERE command_id = $1").await?;
    while bench.database().query_opt(&query, &[&command]).await?.is_none() {
        tokio::time::sleep(Duration::from_millis(2)).await; // between two looks
    }
    Ok(())
}
