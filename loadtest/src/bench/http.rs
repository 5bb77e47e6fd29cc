//! How fast an auction is read and bids are taken by HTTP, beside bare axum handlers in a process of their own: one that
//! answers with the same bytes, and one that adds the same bytes to the same stream, gathered into one flush. And how
//! long a bid takes until its outcome is there.

mod bare;
mod client;
mod outcomes;

pub(crate) use bare::{BareArgs, bare};

use crate::Failure;
use crate::bench::backlog::{auction, give, user};
use crate::bench::servers::{Bench, Process, free_address, quiet};
use clap::Args;
use client::Client;
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// Between two looks whether a server is there.
const LOOK: Duration = Duration::from_millis(20);

/// `auction-loadtest bench http`
#[derive(Args)]
pub(crate) struct HttpArgs {
    /// Connections, each with one request at a time
    #[arg(long, default_value_t = 64)]
    connections: usize,
    /// How long each lap takes
    #[arg(long, default_value_t = 5)]
    seconds: u64,
    /// Laps of each, by turns
    #[arg(long, default_value_t = 5)]
    laps: usize,
    /// Bids per second that wait for their outcomes
    #[arg(long, default_value_t = 1000)]
    rate: usize,
}

pub(crate) async fn run(arguments: HttpArgs) -> Result<(), Failure> {
    let bench = Bench::with_auctions(100, 1).await?;
    give(&mut bench.redis().await?, (0..50).map(|n| crate::bench::backlog::bid(n, 1, 100))).await?;
    let (writer, projector) = (bench.writer()?, bench.process("projector", &[])?);
    bench.reached(102).await?;
    let (portal, bare) = (free_address()?, free_address()?);
    let ingress = start_ingress(&bench, portal)?;
    let read = format!("GET /auction/{} HTTP/1.1\r\nHost: bench\r\n\r\n", auction(0).0);
    let fresh = read.replace(" HTTP/1.1", "?consistency=latest HTTP/1.1");
    let body = answer(portal, &fresh).await?;
    // Nobody decides from now on: what comes in is measured.
    projector.end()?;
    writer.end()?;
    let offer = "{\"amount\": 20001}";
    let bid = format!(
        "PUT /auction/{}/bid HTTP/1.1\r\nHost: bench\r\nX-User-Id: {}\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n{offer}",
        auction(0).0,
        user(0),
        offer.len()
    );
    let accepted = answer(portal, &bid).await?;
    let (file, other) = (tempfile::NamedTempFile::new()?, tempfile::NamedTempFile::new()?);
    std::fs::write(file.path(), &body)?;
    std::fs::write(other.path(), &accepted)?;
    let served = Bare(
        Command::new(std::env::current_exe()?)
            .args(["bench", "bare", &bare.to_string(), bench.redis_url()])
            .args([file.path(), other.path()])
            .stdout(Stdio::null())
            .spawn()?,
    );
    if answer(bare, &read).await? != body {
        return Err("the bare handler answers something else".into());
    }
    println!("{} connections\n", arguments.connections);
    println!("| what | lap | portal, per second | bare axum, per second | ratio |");
    println!("|---|---:|---:|---:|---:|");
    for (what, request) in [("reads of an auction", &read), ("bids accepted", &bid)] {
        let mut ratios = Vec::new();
        for n in 1..=arguments.laps {
            quiet()?;
            let ours = lap(portal, request, &arguments).await?;
            let theirs = lap(bare, request, &arguments).await?;
            println!("| {what} | {n} | {ours:.0} | {theirs:.0} | {:.2} |", ours / theirs);
            ratios.push(ours / theirs);
        }
        ratios.sort_unstable_by(f64::total_cmp);
        println!("| {what} | median | | | {:.2} |", ratios[ratios.len() / 2]);
    }
    drop(served);
    ingress.end()?;
    bench.stop().await?;
    wait_for_outcomes(&arguments).await
}

/// On servers with nothing to do but that: 1,000 auctions, 1,000 users, one writer, one ingress.
async fn wait_for_outcomes(arguments: &HttpArgs) -> Result<(), Failure> {
    let (users, auctions) = (1000, 1000);
    let bench = Bench::with_auctions(users, auctions).await?;
    let (writer, projector) = (bench.writer()?, bench.process("projector", &[])?);
    let portal = free_address()?;
    let ingress = start_ingress(&bench, portal)?;
    answer(portal, "GET /livez HTTP/1.1\r\nHost: bench\r\n\r\n").await?;
    quiet()?;
    let seconds = arguments.seconds * arguments.laps as u64;
    let rate = outcomes::Rate { per_second: arguments.rate, seconds, auctions, users };
    outcomes::measure(&bench, portal, rate).await?;
    for process in [ingress, projector, writer] {
        process.end()?;
    }
    bench.stop().await
}

fn start_ingress(bench: &Bench, listen: SocketAddr) -> Result<Process, Failure> {
    let settings = [
        ("AUCTION__INGRESS__LISTEN", listen.to_string()),
        ("AUCTION__INGRESS__TRUST_GATEWAY_USER_HEADER", "true".to_owned()),
        ("AUCTION__LIMITS__ON", "false".to_owned()),
        // Nobody decides meanwhile, and that is not what is measured.
        ("AUCTION__INGRESS__MOST_UNDECIDED", u32::MAX.to_string()),
    ];
    bench.process("ingress", &settings)
}

struct Bare(Child);

impl Drop for Bare {
    fn drop(&mut self) {
        // It has failed already, and was noticed.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The first answer that is a success.
async fn answer(server: SocketAddr, request: &str) -> Result<Vec<u8>, Failure> {
    let began = Instant::now();
    loop {
        if let Ok(mut client) = Client::connect(server).await
            && let Ok(body) = client.ask(request.as_bytes()).await
        {
            return Ok(body.to_vec());
        }
        if began.elapsed() > Duration::from_secs(60) {
            return Err(format!("{server} does not answer").into());
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// Answers per second of all connections.
async fn lap(server: SocketAddr, request: &str, arguments: &HttpArgs) -> Result<f64, Failure> {
    let mut clients = Vec::new();
    for _ in 0..arguments.connections {
        clients.push(Client::connect(server).await?);
    }
    let (began, mut all) = (Instant::now(), JoinSet::new());
    let until = began + Duration::from_secs(arguments.seconds);
    for mut client in clients {
        let request = request.to_owned();
        all.spawn(async move {
            let mut count = 0u64;
            while Instant::now() < until {
                client.ask(request.as_bytes()).await?;
                count += 1;
            }
            Ok::<u64, Failure>(count)
        });
    }
    let mut count = 0;
    while let Some(done) = all.join_next().await {
        count += done??;
    }
    Ok(count as f64 / began.elapsed().as_secs_f64())
}
