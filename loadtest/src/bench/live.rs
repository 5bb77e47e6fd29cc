//! How long after its commit a bid is told to ten thousand listeners, and what each of them costs the ingress.

use crate::Failure;
use crate::bench::backlog::{auction, bid, give};
use crate::bench::environment::{BenchEnvironment, answers, quiet};
use auction_testkit::free_address::own_address;
use clap::Args;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio_postgres::NoTls;

/// Bidders.
const USERS: usize = 1000;

/// So many connections are opened at a time.
const OPENING: usize = 100;

/// Between two looks at the store.
const LOOK: Duration = Duration::from_millis(1);

/// What was told last must come within that time.
const PATIENCE: Duration = Duration::from_secs(60);

/// `auction-loadtest bench live`
#[derive(Args)]
pub(crate) struct LiveArgs {
    /// Listeners, all of one auction
    #[arg(long, default_value_t = 10_000)]
    listeners: usize,
    /// Bids on it per second
    #[arg(long, default_value_t = 100)]
    rate: usize,
    /// For so long
    #[arg(long, default_value_t = 20)]
    seconds: u64,
}

/// When a listener was told up to which version.
type Told = Vec<(u64, Instant)>;

pub(crate) async fn run(arguments: LiveArgs) -> Result<(), Failure> {
    let LiveArgs { listeners, rate, seconds } = arguments;
    let bench = BenchEnvironment::with_auctions(USERS, 1).await?;
    let (writer, address) = (bench.writer()?, own_address()?);
    let settings = [
        ("AUCTION__INGRESS__LISTEN", address.to_string()),
        ("AUCTION__INGRESS__LIVE_LISTENERS", (listeners + 1).to_string()),
        // All of them come from one address.
        ("AUCTION__LIMITS__ON", "false".to_owned()),
    ];
    let ingress = bench.process("ingress", &settings)?;
    answers(address).await?;
    let before = ingress.memory()?;
    let last = 1 + (rate as u64) * seconds;
    let (say, heard) = watch::channel(0);
    let mut all = JoinSet::new();
    let opening = Arc::new(Semaphore::new(OPENING));
    for _ in 0..listeners {
        let turn = Arc::clone(&opening).acquire_owned().await?;
        let mut line = TcpStream::connect(address).await?;
        line.write_all(request().as_bytes()).await?;
        let heard = heard.clone();
        all.spawn(async move {
            let mut listener = Listener { line, text: Vec::new(), told: Vec::new() };
            listener.up_to(1).await?;
            drop(turn);
            drop(heard);
            listener.up_to(last).await?;
            Ok::<Told, Failure>(listener.told)
        });
    }
    drop(heard);
    // Everybody has been told how it stands.
    say.closed().await;
    let memory = ingress.memory()?.saturating_sub(before);
    quiet()?;
    let commits = tokio::spawn(watch_commits(bench.database_url().to_owned(), last));
    let cpu = ingress.cpu()?;
    let began = Instant::now();
    send(&bench, rate, last - 1).await?;
    let commits = commits.await??;
    let mut delays = Vec::new();
    while let Some(told) = tokio::time::timeout(PATIENCE, all.join_next()).await? {
        delays.extend(of_one(&told??, &commits));
    }
    let (took, cpu) = (began.elapsed().as_secs_f64(), ingress.cpu()? - cpu);
    delays.sort_unstable();
    let at = |share: f64| 1000.0 * delays[((delays.len() - 1) as f64 * share) as usize].as_secs_f64();
    println!("| {listeners} listeners, {rate} bids/s for {seconds} s | |");
    println!("|---|---:|");
    println!("| memory of the ingress per listener | {:.1} kB |", memory as f64 / listeners as f64);
    println!("| CPU of the ingress, of one core | {:.0} % |", 100.0 * cpu / took);
    for (name, share) in [("p50", 0.5), ("p99", 0.99), ("longest", 1.0)] {
        println!("| from commit to listener, {name} | {:.0} ms |", at(share));
    }
    ingress.end()?;
    writer.end()?;
    bench.stop().await
}

fn request() -> String {
    format!("GET /auction/{}/live HTTP/1.1\r\nHost: bench\r\n\r\n", auction(0).0)
}

/// One of them.
struct Listener {
    line: TcpStream,
    text: Vec<u8>,
    told: Told,
}

impl Listener {
    /// Reads until that version was told.
    async fn up_to(&mut self, version: u64) -> Result<(), Failure> {
        let mut buffer = [0; 16 * 1024];
        while self.told.last().is_none_or(|(told, _)| *told < version) {
            let read = self.line.read(&mut buffer).await?;
            if read == 0 {
                return Err("a listener was cut off".into());
            }
            self.text.extend_from_slice(&buffer[..read]);
            while let Some(id) = next_id(&mut self.text)? {
                self.told.push((id, Instant::now()));
            }
        }
        Ok(())
    }
}

/// The id of the next event that is whole; what was read of it is dropped.
fn next_id(text: &mut Vec<u8>) -> Result<Option<u64>, Failure> {
    const ID: &[u8] = b"\nid: ";
    let Some(begin) = text.windows(ID.len()).position(|at| at == ID).map(|at| at + ID.len()) else {
        // The beginning of the next may be there.
        text.drain(..text.len().saturating_sub(ID.len()));
        return Ok(None);
    };
    let Some(length) = text[begin..].iter().position(|byte| *byte == b'\n') else { return Ok(None) };
    let id = std::str::from_utf8(&text[begin..begin + length])?.parse()?;
    text.drain(..begin + length);
    Ok(Some(id))
}

/// How long each event took to one listener, from the look at the store before the one that showed it.
fn of_one(told: &Told, commits: &Told) -> Vec<Duration> {
    let mut commits = commits.iter().peekable();
    let mut delays = Vec::new();
    for (version, at) in told {
        while let Some((_, committed)) = commits.next_if(|(commit, _)| commit <= version) {
            delays.push(at.saturating_duration_since(*committed));
        }
    }
    delays
}

/// When each version was committed, or a little before.
async fn watch_commits(database: String, last: u64) -> Result<Told, Failure> {
    let (client, connection) = tokio_postgres::connect(&database, NoTls).await?;
    tokio::spawn(connection);
    let newest = client.prepare("SELECT max(version) FROM events WHERE aggregate = $1").await?;
    let (mut commits, mut known, mut before) = (Vec::new(), 1, Instant::now());
    while known < last {
        let looked = Instant::now();
        let version = u64::try_from(client.query_one(&newest, &[&auction(0).0]).await?.get::<_, i64>(0))?;
        commits.extend((known + 1..=version).map(|version| (version, before)));
        (known, before) = (version, looked);
        tokio::time::sleep(LOOK).await;
    }
    Ok(commits)
}

/// Sends at the rate, by the clock: what is late is sent all the same.
async fn send(bench: &BenchEnvironment, rate: usize, all: u64) -> Result<(), Failure> {
    let mut redis = bench.redis().await?;
    let mut ticks = tokio::time::interval(LOOK);
    let (began, all, mut sent) = (Instant::now(), usize::try_from(all)?, 0);
    while sent < all {
        ticks.tick().await;
        let due = ((began.elapsed().as_secs_f64() * rate as f64) as usize).min(all);
        if due > sent {
            give(&mut redis, (sent..due).map(|n| bid(n, 1, USERS))).await?;
            sent = due;
        }
    }
    Ok(())
}
