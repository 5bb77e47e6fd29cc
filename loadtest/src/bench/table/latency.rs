//! Row 9: time until a client has the outcome of a bid, at a constant rate, compared with the minimal time to
//! write it to disk in both servers.

use super::report::number;
use super::row::Row;
use super::{Measurement, TableArgs};
use crate::Failure;
use crate::bench::backlog::{BidPattern, bid};
use crate::bench::client::Client;
use crate::bench::environment::{BenchEnvironment, sync_disks};
use crate::bench::http_bids::{percentile, place_all, request};
use crate::bench::resource_usage::Meter;
use crate::bench::running::{RunningPortal, start_ingress};
use std::net::SocketAddr;
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{Mutex, mpsc};
use tokio::task::JoinSet;

/// Number of samples of each baseline.
const BASELINE_SAMPLES: usize = 500;

/// Bids in one `XADD` round trip.
const BIDS_PER_XADD: usize = 10;

/// Maximum number of requests in flight; later requests wait, and their wait counts as latency.
const CONNECTIONS: usize = 512;

/// Bids on each auction before the measurement, so that all auctions are in memory.
const WARM_UP_BIDS_PER_AUCTION: usize = 2;

/// Fractions of the maximum rate that are measured.
const FRACTIONS: [(&str, f64); 2] = [("quarter", 0.25), ("half", 0.5)];

/// `max_rate` is in bids per second.
pub(super) async fn measure(max_rate: f64, arguments: &TableArgs) -> Result<Vec<Measurement>, Failure> {
    let (row, bid_pattern) = (Row::Latency, arguments.bid_pattern());
    let mut running = RunningPortal::start(bid_pattern.users, bid_pattern.auctions).await?;
    let (ingress, portal) = start_ingress(&running.bench).await?;
    let baseline = redis_baseline(&running.bench).await? + postgres_baseline(&running.bench).await?;
    let baseline = 1000.0 * baseline.as_secs_f64();
    let name = "one batched XADD plus one commit, on disk, before the load: p50";
    let mut measured = vec![Measurement::of(row, "least", name, baseline, "ms")];
    let mut bids = WARM_UP_BIDS_PER_AUCTION * bid_pattern.auctions;
    place_all(portal, 64, bid_pattern, 0..bids).await?;
    for (fraction, share) in FRACTIONS {
        sync_disks()?;
        let per_second = (share * max_rate).max(1.0);
        let count = (per_second * arguments.seconds as f64) as usize;
        let meter = Meter::start()?;
        let waited = bid_at_rate(portal, bid_pattern, per_second, bids..bids + count).await?;
        let mut figure = |percent: &str, share: f64| {
            let name = format!(
                "from PUT to the outcome at a {fraction} of row 6 ({}/s): p{percent}",
                number(per_second)
            );
            measured.push(Measurement::of(
                row,
                &format!("{fraction} p{percent}"),
                &name,
                percentile(&waited, share),
                "ms",
            ));
        };
        figure("50", 0.5);
        figure("99", 0.99);
        if let Some(first) = measured.iter_mut().rev().nth(1) {
            first.usage = Some(meter.stop()?);
        }
        bids += count;
    }
    running.wait_until_readable(bids).await?;
    ingress.end()?;
    running.stop(bids).await?;
    Ok(measured)
}

/// Places bids at a constant rate. Returns the latencies from the due times in ascending order; a bid is sent
/// even if earlier ones are unanswered.
async fn bid_at_rate(
    portal: SocketAddr,
    bid_pattern: BidPattern,
    per_second: f64,
    bids: Range<usize>,
) -> Result<Vec<Duration>, Failure> {
    let (sender, receiver) = mpsc::unbounded_channel::<(usize, Instant)>();
    let receiver = Arc::new(Mutex::new(receiver));
    let mut clients = JoinSet::new();
    for _ in 0..CONNECTIONS {
        let (mut client, receiver) = (Client::connect(portal).await?, Arc::clone(&receiver));
        clients.spawn(async move {
            let (mut text, mut took) = (String::new(), Vec::new());
            loop {
                // The next free client takes the bid.
                let Some((n, due)) = receiver.lock().await.recv().await else {
                    return Ok::<_, Failure>(took);
                };
                request(&mut text, bid_pattern, n, "Prefer: wait=10\r\n")?;
                client.send(text.as_bytes()).await?;
                took.push(due.elapsed());
            }
        });
    }
    // A thread, because timers of the runtime are up to a millisecond late.
    let clock = std::thread::spawn(move || {
        let began = Instant::now();
        for (turn, n) in bids.enumerate() {
            let due = began + Duration::from_secs_f64(turn as f64 / per_second);
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
            if sender.send((n, due)).is_err() {
                return; // the clients have failed and return the error
            }
        }
    });
    let mut all = Vec::new();
    while let Some(ended) = clients.join_next().await {
        all.extend(ended??);
    }
    clock.join().map_err(|_| "the clock panicked")?;
    all.sort_unstable();
    Ok(all)
}

/// Returns the median time of an `XADD` round trip with several bids.
async fn redis_baseline(bench: &BenchEnvironment) -> Result<Duration, Failure> {
    let (mut redis, mut took) = (bench.redis().await?, Vec::new());
    let fields = bid(0, 1, 1)?.to_fields();
    let mut batch = redis::pipe();
    for _ in 0..BIDS_PER_XADD {
        let add = batch.cmd("XADD").arg("bench:least").arg("*");
        for (name, value) in &fields {
            add.arg(name).arg(value);
        }
        add.ignore();
    }
    for _ in 0..BASELINE_SAMPLES {
        let began = Instant::now();
        batch.query_async::<()>(&mut redis).await?;
        took.push(began.elapsed());
    }
    Ok(median(took))
}

/// Returns the median time of committing one small row.
async fn postgres_baseline(bench: &BenchEnvironment) -> Result<Duration, Failure> {
    let (database, mut took) = (bench.database(), Vec::new());
    database.batch_execute("CREATE TABLE least (id bigint PRIMARY KEY, body bytea NOT NULL)").await?;
    let insert = database.prepare("INSERT INTO least VALUES ($1, $2)").await?;
    for n in 0..BASELINE_SAMPLES {
        let began = Instant::now();
        database.execute(&insert, &[&i64::try_from(n)?, &[0_u8; 100].as_slice()]).await?;
        took.push(began.elapsed());
    }
    Ok(median(took))
}

fn median(mut of: Vec<Duration>) -> Duration {
    of.sort_unstable();
    of[of.len() / 2]
}
