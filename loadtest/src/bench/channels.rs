//! Measures how long the creation of a user and an auction takes while the writer works off a backlog of
//! bids.

use crate::Failure;
use crate::bench::backlog::{add_commands, auction, bid, create_auction, create_user, partitions, user};
use crate::bench::environment::{BenchEnvironment, sync_disks};
use clap::Args;
use std::time::{Duration, Instant};
use uuid::Uuid;

const USERS: usize = 1000;
const AUCTIONS: usize = 1000;

/// Arguments of `auction-loadtest bench channels`.
#[derive(Args)]
pub(crate) struct ChannelsArgs {
    /// Number of bids in the backlog
    #[arg(long, default_value_t = 500_000)]
    bids: usize,
    /// Number of users and auctions created
    #[arg(long, default_value_t = 20)]
    times: usize,
}

pub(crate) async fn run(arguments: ChannelsArgs) -> Result<(), Failure> {
    let ChannelsArgs { bids, times } = arguments;
    let bench = BenchEnvironment::with_auctions(USERS, AUCTIONS).await?;
    let mut redis = bench.redis().await?;
    add_commands(&mut redis, (0..bids).map(|n| bid(n, AUCTIONS, USERS))).await?;
    sync_disks()?;
    let writer = bench.writer()?;
    let before = (USERS + AUCTIONS) as u64;
    bench.wait_for_events(before + 1).await?;
    let mut waits = Vec::new();
    for n in 0..times {
        let (decided, began) = (bench.events().await?, Instant::now());
        let (new_user, new_auction) = (user(USERS + n), auction(AUCTIONS + n));
        add_commands(&mut redis, [Ok(create_user(new_user)), create_auction(new_auction)].into_iter())
            .await?;
        wait_for_outcome(&bench, new_user.0).await?;
        wait_for_outcome(&bench, new_auction.0).await?;
        waits.push((began.elapsed(), bench.events().await? - decided));
        // Spreads the creations over the backlog.
        bench.wait_for_events(before + (bids * (n + 1) / (times + 1)) as u64).await?;
    }
    let remaining = before + (bids + 2 * times) as u64 - bench.events().await?;
    bench.wait_for_events(before + (bids + 2 * times) as u64).await?;
    writer.end()?;
    waits.sort_unstable();
    let (median, worst) = (waits[waits.len() / 2], waits[waits.len() - 1]);
    let partitions = partitions()?.get();
    println!(
        "{times} users and auctions created during a backlog of {bids} bids in {partitions} partitions; {remaining} bids were left at \
         the end\n"
    );
    println!("| | both decided after | bids decided meanwhile in all partitions |");
    println!("|---|---:|---:|");
    println!("| median | {:.0} ms | {} |", 1000.0 * median.0.as_secs_f64(), median.1);
    println!("| slowest | {:.0} ms | {} |", 1000.0 * worst.0.as_secs_f64(), worst.1);
    bench.stop().await
}

async fn wait_for_outcome(bench: &BenchEnvironment, command: Uuid) -> Result<(), Failure> {
    let query = bench.database().prepare("SELECT 1 FROM command_outcomes WHERE command_id = $1").await?;
    while bench.database().query_opt(&query, &[&command]).await?.is_none() {
        tokio::time::sleep(Duration::from_millis(2)).await; // poll interval
    }
    Ok(())
}
