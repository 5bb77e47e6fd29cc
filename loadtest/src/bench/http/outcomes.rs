//! How long a client waits for the outcome of his bid, at a steady rate, beside the least that the servers need for
//! it: one entry on disk in Redis, one commit in Postgres.

use super::client::Client;
use crate::Failure;
use crate::bench::backlog::{auction, bid, user};
use crate::bench::servers::Bench;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::{Mutex, mpsc};
use tokio::task::JoinSet;

/// How often the least is measured.
const LEAST: usize = 500;

/// So many requests can be on their way; more wait, and their waiting counts.
const CONNECTIONS: usize = 512;

/// So many bids a second for so long, on so many auctions by so many users.
pub(super) struct Rate {
    pub(super) per_second: usize,
    pub(super) seconds: u64,
    pub(super) auctions: usize,
    pub(super) users: usize,
}

/// Measures, and prints a table.
pub(super) async fn measure(bench: &Bench, portal: SocketAddr, rate: Rate) -> Result<(), Failure> {
    let (add, commit) = (least_of_redis(bench).await?, least_of_postgres(bench).await?);
    let per_second = rate.per_second;
    let waited = at_a_rate(portal, rate).await?;
    let at = |share: f64| waited[((waited.len() - 1) as f64 * share) as usize];
    let ms = |time: Duration| 1000.0 * time.as_secs_f64();
    println!("\n| {} bids at {per_second}/s, each with `Prefer: wait` | ms | of the least |", waited.len());
    println!("|---|---:|---:|");
    println!("| one `XADD` of a bid, on disk (median of {LEAST}) | {:.2} | |", ms(add));
    println!("| one commit of a row (median of {LEAST}) | {:.2} | |", ms(commit));
    let least = ms(add + commit);
    for (name, time) in [("p50", at(0.5)), ("p99", at(0.99)), ("longest", at(1.0))] {
        println!("| from `PUT` to the outcome, {name} | {:.2} | {:.1} |", ms(time), ms(time) / least);
    }
    Ok(())
}

/// How long each took from the moment at which it was due, sorted; whether those before are answered or not, the
/// next one is sent.
async fn at_a_rate(portal: SocketAddr, rate: Rate) -> Result<Vec<Duration>, Failure> {
    let (tell, told) = mpsc::unbounded_channel::<Instant>();
    let (answered, mut took) = mpsc::unbounded_channel();
    let (told, next) = (Arc::new(Mutex::new(told)), Arc::new(AtomicUsize::new(1000)));
    let mut clients = JoinSet::new();
    for _ in 0..CONNECTIONS {
        let mut client = Client::connect(portal).await?;
        let (told, next, answered) = (Arc::clone(&told), Arc::clone(&next), answered.clone());
        let (auctions, users) = (rate.auctions, rate.users);
        clients.spawn(async move {
            loop {
                // Whoever is free takes the next.
                let Some(due) = told.lock().await.recv().await else { return Ok::<(), Failure>(()) };
                let request = place(next.fetch_add(1, Ordering::Relaxed), auctions, users);
                client.ask(request.as_bytes()).await?;
                answered.send(due.elapsed())?;
            }
        });
    }
    drop(answered);
    let all = rate.per_second * usize::try_from(rate.seconds)?;
    // A thread of its own: the timer of the runtime is a millisecond coarse, which would be counted as waiting.
    let (began, per_second) = (Instant::now(), rate.per_second as f64);
    let sent = std::thread::spawn(move || {
        for n in 0..all {
            let due = began + Duration::from_secs_f64(n as f64 / per_second);
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
            // Nobody takes it any more when all have failed.
            if tell.send(due).is_err() {
                return;
            }
        }
    });
    while let Some(ended) = clients.join_next().await {
        ended??;
    }
    sent.join().map_err(|_| "the thread that sends panicked")?;
    let mut all = Vec::with_capacity(all);
    while let Ok(one) = took.try_recv() {
        all.push(one);
    }
    all.sort_unstable();
    Ok(all)
}

/// A bid far above all before; of two that overtake each other both are accepted, if they are not one user's.
fn place(n: usize, auctions: usize, users: usize) -> String {
    let offer = format!("{{\"amount\":{}}}", 100_000 + n);
    format!(
        "PUT /auction/{}/bid HTTP/1.1\r\nHost: bench\r\nX-User-Id: {}\r\nContent-Type: application/json\r\n\
         Prefer: wait=10\r\nContent-Length: {}\r\n\r\n{offer}",
        auction(n % auctions).0,
        user((n / auctions + n) % users),
        offer.len()
    )
}

/// The median of one `XADD` of a bid after the other.
async fn least_of_redis(bench: &Bench) -> Result<Duration, Failure> {
    let (mut redis, mut took) = (bench.redis().await?, Vec::new());
    let fields = bid(0, 1, 1)?.to_fields();
    for _ in 0..LEAST {
        let mut add = redis::cmd("XADD");
        add.arg("bench:least").arg("*");
        for (name, value) in &fields {
            add.arg(name).arg(value);
        }
        let began = Instant::now();
        add.query_async::<String>(&mut redis).await?;
        took.push(began.elapsed());
    }
    Ok(median(took))
}

/// The median of one commit of one small row after the other.
async fn least_of_postgres(bench: &Bench) -> Result<Duration, Failure> {
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
