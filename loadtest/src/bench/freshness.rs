//! Measures the delay from the commit of a bid until it can be read, while bids arrive at a constant rate.
//!
//! Two observers poll continuously, one the heads in Postgres, one the checkpoints of the read models. The
//! delay of an event is the time between the polls that first showed it.

use crate::Failure;
use crate::bench::backlog::{add_commands, bid};
use crate::bench::environment::{BenchEnvironment, sync_disks};
use crate::bench::read_models::ReadModels;
use crate::bench::resource_usage::Meter;
use clap::Args;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

const USERS: usize = 1000;
const AUCTIONS: usize = 1000;

/// Interval at which bids are sent.
const TICK: Duration = Duration::from_millis(5);

/// Pause between two polls of an observer.
const SAMPLE_INTERVAL: Duration = Duration::from_millis(1);

/// Arguments of `auction-loadtest bench freshness`.
#[derive(Args)]
pub(crate) struct FreshnessArgs {
    /// Bids per second, sent on schedule even if earlier bids are not done
    #[arg(long, default_value_t = 2000)]
    rate: usize,
    /// Duration of the load in seconds
    #[arg(long, default_value_t = 20)]
    seconds: u64,
}

/// Times of polls and the position of each partition.
type Observations = Vec<(Instant, Vec<u64>)>;

pub(crate) async fn run(arguments: FreshnessArgs) -> Result<(), Failure> {
    let FreshnessArgs { rate, seconds } = arguments;
    let bench = Arc::new(BenchEnvironment::with_auctions(USERS, AUCTIONS).await?);
    let (writer, projector) = (bench.writer()?, bench.process("projector", &[])?);
    let views = ReadModels::new(&bench)?;
    let first = bench.heads().await?;
    views.wait_for_events(first.iter().sum()).await?;
    sync_disks()?;
    let stop = Arc::new(AtomicBool::new(false));
    let stored = tokio::spawn(watch_heads(Arc::clone(&bench), Arc::clone(&stop)));
    let readable = tokio::spawn(watch_views(ReadModels::new(&bench)?, Arc::clone(&stop)));
    let meter = Meter::start()?;
    send(&bench, rate, seconds).await?;
    let bids = rate * usize::try_from(seconds)?;
    views.wait_for_events(first.iter().sum::<u64>() + bids as u64).await?;
    let took = meter.stop()?.took;
    stop.store(true, Ordering::Relaxed);
    let (stored, readable) = (stored.await??, readable.await??);
    let mut delays = delays(&first, &stored, &readable);
    delays.sort_unstable();
    let at = |share: f64| 1000.0 * delays[((delays.len() - 1) as f64 * share) as usize].as_secs_f64();
    let mean_interval = |sightings: &Observations| 1000.0 * took.as_secs_f64() / sightings.len() as f64;
    let (store, checkpoints) = (mean_interval(&stored), mean_interval(&readable));
    println!(
        "{} bids at {:.0}/s; the event store is polled every {store:.1} ms, the read models every {checkpoints:.1} ms\n",
        delays.len(),
        bids as f64 / took.as_secs_f64()
    );
    println!("| from commit to readable | ms |\n|---|---:|");
    println!("| p50 | {:.1} |\n| p99 | {:.1} |\n| max | {:.1} |", at(0.5), at(0.99), at(1.0));
    projector.end()?;
    writer.end()?;
    match Arc::into_inner(bench) {
        Some(bench) => bench.stop().await,
        None => Ok(()), // the servers stop with this process
    }
}

/// Sends bids at a constant rate; late bids are sent as soon as possible.
async fn send(bench: &BenchEnvironment, rate: usize, seconds: u64) -> Result<(), Failure> {
    let mut redis = bench.redis().await?;
    let mut ticks = tokio::time::interval(TICK);
    let (began, all) = (Instant::now(), rate * usize::try_from(seconds)?);
    let mut sent = 0;
    while sent < all {
        ticks.tick().await;
        let due = ((began.elapsed().as_secs_f64() * rate as f64) as usize).min(all);
        add_commands(&mut redis, (sent..due).map(|n| bid(n, AUCTIONS, USERS))).await?;
        sent = due;
    }
    Ok(())
}

async fn watch_heads(bench: Arc<BenchEnvironment>, stop: Arc<AtomicBool>) -> Result<Observations, Failure> {
    let mut observations = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        observations.push((Instant::now(), bench.heads().await?));
        tokio::time::sleep(SAMPLE_INTERVAL).await;
    }
    Ok(observations)
}

async fn watch_views(views: ReadModels, stop: Arc<AtomicBool>) -> Result<Observations, Failure> {
    let mut observations = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        observations.push((Instant::now(), views.checkpoints().await?));
        tokio::time::sleep(SAMPLE_INTERVAL).await;
    }
    observations.push((Instant::now(), views.checkpoints().await?));
    Ok(observations)
}

/// Returns the delay of each event after the positions `first`.
fn delays(first: &[u64], stored: &Observations, readable: &Observations) -> Vec<Duration> {
    let last = &readable[readable.len() - 1].1;
    let mut delays = Vec::new();
    for (partition, (first, last)) in first.iter().zip(last).enumerate() {
        let (mut head_observations, mut checkpoint_observations) = (stored.iter(), readable.iter());
        let (mut stored_at, mut readable_at) = (head_observations.next(), checkpoint_observations.next());
        for position in first + 1..=*last {
            while stored_at.is_some_and(|(_, heads)| heads[partition] < position) {
                stored_at = head_observations.next();
            }
            while readable_at.is_some_and(|(_, checkpoints)| checkpoints[partition] < position) {
                readable_at = checkpoint_observations.next();
            }
            if let (Some((stored, _)), Some((readable, _))) = (stored_at, readable_at) {
                delays.push(readable.saturating_duration_since(*stored));
            }
        }
    }
    delays
}
