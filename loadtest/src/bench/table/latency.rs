//! Row 9: time until a client has the outcome of a bid, at a constant rate, compared with the minimal time to
//! write it to disk in both servers.

use super::report::number;
use super::row::Row;
use super::{Measurement, TableArgs};
use crate::Failure;
use crate::bench::bench_portal::{BenchPortal, BidPattern, percentile, sync_disks};
use crate::bench::resource_usage::Meter;
use crate::commands::{command_of, xadd};
use crate::run::mix::Operation;
use crate::run::plan::PlannedRequest;
use std::time::Instant;

/// Number of samples of each baseline.
const BASELINE_SAMPLES: i64 = 500;

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
    let mut bench = BenchPortal::start(bid_pattern.users, bid_pattern.auctions).await?;
    bench.start_all().await?;
    let http = bench.start_ingress().await?;
    let baseline = redis_baseline(&bench).await? + postgres_baseline(&bench).await?;
    let name = "one batched XADD plus one commit, on disk, before the load: p50";
    let mut measured = vec![Measurement::of(row, "least", name, baseline, "ms")];
    let mut bids = WARM_UP_BIDS_PER_AUCTION * bid_pattern.auctions;
    bench.place_bids(&http, 64, (0..bids).map(move |n| bid_pattern.bid(n))).await?;
    for (fraction, share) in FRACTIONS {
        sync_disks()?;
        let per_second = (share * max_rate).max(1.0);
        let count = (per_second * arguments.seconds as f64) as usize;
        let bid_at_rate = move |turn: usize| PlannedRequest {
            due: (1e6 * turn as f64 / per_second) as u64,
            operation: Operation::Bid,
            ..bid_pattern.bid(bids + turn)
        };
        let meter = Meter::start()?;
        let records = bench.place_bids(&http, CONNECTIONS, (0..count).map(bid_at_rate)).await?;
        let usage = meter.stop()?;
        let figure = |percent: &str, quantile: f64| {
            let name = format!(
                "from PUT to the outcome at a {fraction} of row 6 ({}/s): p{percent}",
                number(per_second)
            );
            let times = records.iter().map(|record| u64::from(record.latency_us));
            let key = format!("{fraction} p{percent}");
            Measurement::of(row, &key, &name, percentile(times, quantile), "ms")
        };
        measured.push(Measurement { usage: Some(usage), ..figure("50", 0.5) });
        measured.push(figure("99", 0.99));
        bids += count;
    }
    bench.wait_until_readable(bench.begin + bids as u64).await?;
    bench.stop(bids).await?;
    Ok(measured)
}

/// Returns the median time of an `XADD` round trip with several bids, in milliseconds.
async fn redis_baseline(bench: &BenchPortal) -> Result<f64, Failure> {
    let bid = BidPattern { users: 1, first: 0, auctions: 1, bidders: 1 }.bid(0);
    let (command, mut batch) = (command_of(&bench.run_ids, &bid)?, redis::pipe());
    (0..BIDS_PER_XADD).for_each(|_| xadd(&mut batch, "bench:least", &command));
    median_ms(async |_| Ok(batch.query_async::<()>(&mut bench.redis.clone()).await?)).await
}

/// Returns the median time of committing one small row, in milliseconds.
async fn postgres_baseline(bench: &BenchPortal) -> Result<f64, Failure> {
    let database = &bench.database;
    database.batch_execute("CREATE TABLE least (id bigint PRIMARY KEY, body bytea NOT NULL)").await?;
    let insert = database.prepare("INSERT INTO least VALUES ($1, $2)").await?;
    let body = [0_u8; 100].as_slice();
    median_ms(async |n| Ok(database.execute(&insert, &[&n, &body]).await.map(drop)?)).await
}

/// Runs an operation several times, each with its number. Returns the median duration in milliseconds.
async fn median_ms(operation: impl AsyncFn(i64) -> Result<(), Failure>) -> Result<f64, Failure> {
    let mut took = Vec::new();
    for n in 0..BASELINE_SAMPLES {
        let began = Instant::now();
        operation(n).await?;
        took.push(began.elapsed().as_micros() as u64);
    }
    Ok(percentile(took.into_iter(), 0.5))
}
