//! How long after its commit a bid can be read, while bids come at a steady rate.
//!
//! Two observers look all the time, one at the heads in Postgres, one at the checkpoints of the views. The
//! delay of an event is the time between the looks that showed it first.

use crate::Failure;
use crate::bench::backlog::{bid, give};
use crate::bench::environment::{BenchEnvironment, quiet};
use crate::bench::read_models::ReadModels;
use crate::bench::resource_usage::Meter;
use clap::Args;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

const USERS: usize = 1000;
const AUCTIONS: usize = 1000;

/// Bids are sent so often.
const TICK: Duration = Duration::from_millis(5);

/// From one look of an observer to its next.
const BETWEEN_LOOKS: Duration = Duration::from_millis(1);

/// `auction-loadtest bench freshness`
#[derive(Args)]
pub(crate) struct FreshnessArgs {
    /// Bids per second, whether the last ones are done or not
    #[arg(long, default_value_t = 2000)]
    rate: usize,
    /// For so long
    #[arg(long, default_value_t = 20)]
    seconds: u64,
}

/// When an observer saw which position of each partition.
type Sightings = Vec<(Instant, Vec<u64>)>;

pub(crate) async fn run(arguments: FreshnessArgs) -> Result<(), Failure> {
    let FreshnessArgs { rate, seconds } = arguments;
    let bench = Arc::new(BenchEnvironment::with_auctions(USERS, AUCTIONS).await?);
    let (writer, projector) = (bench.writer()?, bench.process("projector", &[])?);
    let views = ReadModels::new(&bench)?;
    let first = bench.heads().await?;
    views.reached(first.iter().sum()).await?;
    quiet()?;
    let over = Arc::new(AtomicBool::new(false));
    let stored = tokio::spawn(watch_heads(Arc::clone(&bench), Arc::clone(&over)));
    let readable = tokio::spawn(watch_views(ReadModels::new(&bench)?, Arc::clone(&over)));
    let meter = Meter::start()?;
    send(&bench, rate, seconds).await?;
    let bids = rate * usize::try_from(seconds)?;
    views.reached(first.iter().sum::<u64>() + bids as u64).await?;
    let took = meter.stop()?.took;
    over.store(true, Ordering::Relaxed);
    let (stored, readable) = (stored.await??, readable.await??);
    let mut delays = delays(&first, &stored, &readable);
    delays.sort_unstable();
    let at = |share: f64| 1000.0 * delays[((delays.len() - 1) as f64 * share) as usize].as_secs_f64();
    let looks = |sightings: &Sightings| 1000.0 * took.as_secs_f64() / sightings.len() as f64;
    let (store, shown) = (looks(&stored), looks(&readable));
    println!(
        "{} bids at {:.0}/s; a look at the store every {store:.1} ms, at the views every {shown:.1} ms\n",
        delays.len(),
        bids as f64 / took.as_secs_f64()
    );
    println!("| from commit to readable | ms |\n|---|---:|");
    println!("| p50 | {:.1} |\n| p99 | {:.1} |\n| longest | {:.1} |", at(0.5), at(0.99), at(1.0));
    projector.end()?;
    writer.end()?;
    match Arc::into_inner(bench) {
        Some(bench) => bench.stop().await,
        None => Ok(()), // the servers end with this process
    }
}

/// Sends at the rate, by the clock: what is late is sent all the same.
async fn send(bench: &BenchEnvironment, rate: usize, seconds: u64) -> Result<(), Failure> {
    let mut redis = bench.redis().await?;
    let mut ticks = tokio::time::interval(TICK);
    let (began, all) = (Instant::now(), rate * usize::try_from(seconds)?);
    let mut sent = 0;
    while sent < all {
        ticks.tick().await;
        let due = ((began.elapsed().as_secs_f64() * rate as f64) as usize).min(all);
        give(&mut redis, (sent..due).map(|n| bid(n, AUCTIONS, USERS))).await?;
        sent = due;
    }
    Ok(())
}

async fn watch_heads(bench: Arc<BenchEnvironment>, over: Arc<AtomicBool>) -> Result<Sightings, Failure> {
    let mut seen = Vec::new();
    while !over.load(Ordering::Relaxed) {
        seen.push((Instant::now(), bench.heads().await?));
        tokio::time::sleep(BETWEEN_LOOKS).await;
    }
    Ok(seen)
}

async fn watch_views(views: ReadModels, over: Arc<AtomicBool>) -> Result<Sightings, Failure> {
    let mut seen = Vec::new();
    while !over.load(Ordering::Relaxed) {
        seen.push((Instant::now(), views.checkpoints().await?));
        tokio::time::sleep(BETWEEN_LOOKS).await;
    }
    seen.push((Instant::now(), views.checkpoints().await?));
    Ok(seen)
}

/// The delay of each event behind `first`.
fn delays(first: &[u64], stored: &Sightings, readable: &Sightings) -> Vec<Duration> {
    let last = &readable[readable.len() - 1].1;
    let mut delays = Vec::new();
    for (partition, (first, last)) in first.iter().zip(last).enumerate() {
        let (mut of_store, mut of_views) = (stored.iter(), readable.iter());
        let (mut in_store, mut in_views) = (of_store.next(), of_views.next());
        for position in first + 1..=*last {
            while in_store.is_some_and(|(_, heads)| heads[partition] < position) {
                in_store = of_store.next();
            }
            while in_views.is_some_and(|(_, shown)| shown[partition] < position) {
                in_views = of_views.next();
            }
            if let (Some((stored, _)), Some((readable, _))) = (in_store, in_views) {
                delays.push(readable.saturating_duration_since(*stored));
            }
        }
    }
    delays
}
