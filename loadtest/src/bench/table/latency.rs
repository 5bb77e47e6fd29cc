//! Row 9: how long a client waits for the outcome of his bid, at a steady rate, beside the least that it takes to have
//! it on disk in both servers.

use super::report::number;
use super::row::Row;
use super::{Measured, TableArgs};
use crate::Failure;
use crate::bench::backlog::{Crowd, bid};
use crate::bench::client::Client;
use crate::bench::environment::{BenchEnvironment, quiet};
use crate::bench::http_bids::{percentile, place_all, request};
use crate::bench::resource_usage::Meter;
use crate::bench::running::{Running, start_ingress};
use std::net::SocketAddr;
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{Mutex, mpsc};
use tokio::task::JoinSet;

/// How often the least is measured.
const LEAST: usize = 500;

/// Bids in one gathered `XADD`.
const GATHERED: usize = 10;

/// So many requests can be on their way; more wait, and their waiting counts.
const CONNECTIONS: usize = 512;

/// Before it counts, each auction has been bid on twice and is in memory.
const BEFORE: usize = 2;

/// The parts of the maximum at which it is measured.
const PARTS: [(&str, f64); 2] = [("quarter", 0.25), ("half", 0.5)];

/// `most` is the maximum, in bids a second.
pub(super) async fn measure(most: f64, arguments: &TableArgs) -> Result<Vec<Measured>, Failure> {
    let (row, crowd) = (Row::Latency, arguments.crowd());
    let mut running = Running::start(crowd.users, crowd.auctions).await?;
    let (ingress, portal) = start_ingress(&running.bench).await?;
    let least = least_of_redis(&running.bench).await? + least_of_postgres(&running.bench).await?;
    let least = 1000.0 * least.as_secs_f64();
    let name = "one gathered XADD and one commit, on disk, before bids come: 50 of 100 within";
    let mut measured = vec![Measured::of(row, "least", name, least, "ms")];
    let mut bids = BEFORE * crowd.auctions;
    place_all(portal, 64, crowd, 0..bids).await?;
    for (part, share) in PARTS {
        quiet()?;
        let per_second = (share * most).max(1.0);
        let count = (per_second * arguments.seconds as f64) as usize;
        let meter = Meter::start()?;
        let waited = at_a_rate(portal, crowd, per_second, bids..bids + count).await?;
        let mut figure = |percent: &str, share: f64| {
            let name = format!(
                "from PUT to the outcome at a {part} of row 6 ({}/s): {percent} of 100 within",
                number(per_second)
            );
            measured.push(Measured::of(
                row,
                &format!("{part} p{percent}"),
                &name,
                percentile(&waited, share),
                "ms",
            ));
        };
        figure("50", 0.5);
        figure("99", 0.99);
        if let Some(first) = measured.iter_mut().rev().nth(1) {
            first.cost = Some(meter.stop()?);
        }
        bids += count;
    }
    running.readable(bids).await?;
    ingress.end()?;
    running.stop(bids).await?;
    Ok(measured)
}

/// How long each took from the moment at which it was due, the shortest first; whether those before are answered or
/// not, the next one is sent.
async fn at_a_rate(
    portal: SocketAddr,
    crowd: Crowd,
    per_second: f64,
    bids: Range<usize>,
) -> Result<Vec<Duration>, Failure> {
    let (tell, told) = mpsc::unbounded_channel::<(usize, Instant)>();
    let told = Arc::new(Mutex::new(told));
    let mut clients = JoinSet::new();
    for _ in 0..CONNECTIONS {
        let (mut client, told) = (Client::connect(portal).await?, Arc::clone(&told));
        clients.spawn(async move {
            let (mut text, mut took) = (String::new(), Vec::new());
            loop {
                // Whoever is free takes the next.
                let Some((n, due)) = told.lock().await.recv().await else {
                    return Ok::<_, Failure>(took);
                };
                request(&mut text, crowd, n, "Prefer: wait=10\r\n")?;
                client.ask(text.as_bytes()).await?;
                took.push(due.elapsed());
            }
        });
    }
    // A thread, since it knows the time better than a timer of the runtime, which is a millisecond late.
    let clock = std::thread::spawn(move || {
        let began = Instant::now();
        for (turn, n) in bids.enumerate() {
            let due = began + Duration::from_secs_f64(turn as f64 / per_second);
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
            if tell.send((n, due)).is_err() {
                return; // the clients have failed, and say why
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

/// The median of one gathered `XADD` of some bids after the other.
async fn least_of_redis(bench: &BenchEnvironment) -> Result<Duration, Failure> {
    let (mut redis, mut took) = (bench.redis().await?, Vec::new());
    let fields = bid(0, 1, 1)?.to_fields();
    let mut gathered = redis::pipe();
    for _ in 0..GATHERED {
        let add = gathered.cmd("XADD").arg("bench:least").arg("*");
        for (name, value) in &fields {
            add.arg(name).arg(value);
        }
        add.ignore();
    }
    for _ in 0..LEAST {
        let began = Instant::now();
        gathered.query_async::<()>(&mut redis).await?;
        took.push(began.elapsed());
    }
    Ok(median(took))
}

/// The median of one commit of one small row after the other.
async fn least_of_postgres(bench: &BenchEnvironment) -> Result<Duration, Failure> {
    let (database, mut took) = (bench.database(), Vec::new());
    database.batch_execute("CREATE TABLE least (id bigint PRIMARY KEY, body bytea NOT NULL)").await?;
    let insert = database.prepare("INSERT INTO least VALUES ($1, $2)").await?;
    for n in 0..LEAST {
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
