//! Measures the delay from the commit of a bid until ten thousand live listeners receive it, and the cost of
//! each listener in the ingress.

use crate::Failure;
use crate::bench::backlog::{add_commands, auction, bid};
use crate::bench::environment::{BenchEnvironment, sync_disks, wait_for_listener};
use auction_testkit::free_address::own_address;
use clap::Args;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio_postgres::NoTls;

const USERS: usize = 1000;

/// Maximum number of connections that are being opened.
const MAX_OPENING: usize = 100;

/// Interval at which the event store is polled and bids are sent.
const POLL_INTERVAL: Duration = Duration::from_millis(1);

/// Time limit for the last events.
const TIMEOUT: Duration = Duration::from_secs(60);

/// Arguments of `auction-loadtest bench live`.
#[derive(Args)]
pub(crate) struct LiveArgs {
    /// Number of listeners, all of one auction
    #[arg(long, default_value_t = 10_000)]
    listeners: usize,
    /// Bids per second on this auction
    #[arg(long, default_value_t = 100)]
    rate: usize,
    /// Duration of the load in seconds
    #[arg(long, default_value_t = 20)]
    seconds: u64,
}

/// Versions and when each was received or committed.
type ReceivedVersions = Vec<(u64, Instant)>;

pub(crate) async fn run(arguments: LiveArgs) -> Result<(), Failure> {
    let LiveArgs { listeners, rate, seconds } = arguments;
    let bench = BenchEnvironment::with_auctions(USERS, 1).await?;
    let (writer, address) = (bench.writer()?, own_address()?);
    let settings = [
        ("AUCTION__INGRESS__LISTEN", address.to_string()),
        ("AUCTION__INGRESS__MAX_LIVE_SUBSCRIBERS", (listeners + 1).to_string()),
        // All listeners use one IP address.
        ("AUCTION__RATE_LIMITS__ENABLED", "false".to_owned()),
    ];
    let ingress = bench.process("ingress", &settings)?;
    wait_for_listener(address).await?;
    let before = ingress.memory()?;
    let last = 1 + (rate as u64) * seconds;
    let (ready_sender, ready) = watch::channel(0);
    let mut all = JoinSet::new();
    let opening = Arc::new(Semaphore::new(MAX_OPENING));
    for _ in 0..listeners {
        let permit = Arc::clone(&opening).acquire_owned().await?;
        let mut stream = TcpStream::connect(address).await?;
        stream.write_all(request().as_bytes()).await?;
        let ready = ready.clone();
        all.spawn(async move {
            let mut listener = Listener { stream, text: Vec::new(), received: Vec::new() };
            listener.read_until(1).await?;
            drop(permit);
            drop(ready);
            listener.read_until(last).await?;
            Ok::<ReceivedVersions, Failure>(listener.received)
        });
    }
    drop(ready);
    // Every listener has received the current state of the auction.
    ready_sender.closed().await;
    let memory = ingress.memory()?.saturating_sub(before);
    sync_disks()?;
    let commits = tokio::spawn(watch_commits(bench.database_url().to_owned(), last));
    let cpu = ingress.cpu()?;
    let began = Instant::now();
    send(&bench, rate, last - 1).await?;
    let commits = commits.await??;
    let mut delays = Vec::new();
    while let Some(received) = tokio::time::timeout(TIMEOUT, all.join_next()).await? {
        delays.extend(delays_of(&received??, &commits));
    }
    let (took, cpu) = (began.elapsed().as_secs_f64(), ingress.cpu()? - cpu);
    delays.sort_unstable();
    let at = |share: f64| 1000.0 * delays[((delays.len() - 1) as f64 * share) as usize].as_secs_f64();
    println!("| {listeners} listeners, {rate} bids/s for {seconds} s | |");
    println!("|---|---:|");
    println!("| memory of the ingress per listener | {:.1} kB |", memory as f64 / listeners as f64);
    println!("| CPU of the ingress, of one core | {:.0} % |", 100.0 * cpu / took);
    for (name, share) in [("p50", 0.5), ("p99", 0.99), ("max", 1.0)] {
        println!("| from commit to listener, {name} | {:.0} ms |", at(share));
    }
    ingress.end()?;
    writer.end()?;
    bench.stop().await
}

fn request() -> String {
    format!("GET /auction/{}/live HTTP/1.1\r\nHost: bench\r\n\r\n", auction(0).0)
}

struct Listener {
    stream: TcpStream,
    text: Vec<u8>,
    received: ReceivedVersions,
}

impl Listener {
    /// Reads until this version is received.
    async fn read_until(&mut self, version: u64) -> Result<(), Failure> {
        let mut buffer = [0; 16 * 1024];
        while self.received.last().is_none_or(|(received, _)| *received < version) {
            let read = self.stream.read(&mut buffer).await?;
            if read == 0 {
                return Err("a listener was disconnected".into());
            }
            self.text.extend_from_slice(&buffer[..read]);
            while let Some(id) = next_id(&mut self.text)? {
                self.received.push((id, Instant::now()));
            }
        }
        Ok(())
    }
}

/// Returns the id of the next complete event and removes it from the buffer.
fn next_id(text: &mut Vec<u8>) -> Result<Option<u64>, Failure> {
    const ID: &[u8] = b"\nid: ";
    let Some(begin) = text.windows(ID.len()).position(|at| at == ID).map(|at| at + ID.len()) else {
        // The buffer may end with the start of the next id.
        text.drain(..text.len().saturating_sub(ID.len()));
        return Ok(None);
    };
    let Some(length) = text[begin..].iter().position(|byte| *byte == b'\n') else { return Ok(None) };
    let id = std::str::from_utf8(&text[begin..begin + length])?.parse()?;
    text.drain(..begin + length);
    Ok(Some(id))
}

/// Returns the delay of each event to one listener, counted from the poll before the one that showed its
/// commit.
fn delays_of(received: &ReceivedVersions, commits: &ReceivedVersions) -> Vec<Duration> {
    let mut commits = commits.iter().peekable();
    let mut delays = Vec::new();
    for (version, at) in received {
        while let Some((_, committed)) = commits.next_if(|(commit, _)| commit <= version) {
            delays.push(at.saturating_duration_since(*committed));
        }
    }
    delays
}

/// Returns when each version was committed, or slightly earlier.
async fn watch_commits(database: String, last: u64) -> Result<ReceivedVersions, Failure> {
    let (client, connection) = tokio_postgres::connect(&database, NoTls).await?;
    tokio::spawn(connection);
    let newest = client.prepare("SELECT max(version) FROM events WHERE aggregate = $1").await?;
    let (mut commits, mut known, mut before) = (Vec::new(), 1, Instant::now());
    while known < last {
        let looked = Instant::now();
        let version = u64::try_from(client.query_one(&newest, &[&auction(0).0]).await?.get::<_, i64>(0))?;
        commits.extend((known + 1..=version).map(|version| (version, before)));
        (known, before) = (version, looked);
        tokio::time::sleep(POLL_INTERVAL).await;
    }
    Ok(commits)
}

/// Sends bids at a constant rate; late bids are sent as soon as possible.
async fn send(bench: &BenchEnvironment, rate: usize, all: u64) -> Result<(), Failure> {
    let mut redis = bench.redis().await?;
    let mut ticks = tokio::time::interval(POLL_INTERVAL);
    let (began, all, mut sent) = (Instant::now(), usize::try_from(all)?, 0);
    while sent < all {
        ticks.tick().await;
        let due = ((began.elapsed().as_secs_f64() * rate as f64) as usize).min(all);
        if due > sent {
            add_commands(&mut redis, (sent..due).map(|n| bid(n, 1, USERS))).await?;
            sent = due;
        }
    }
    Ok(())
}
