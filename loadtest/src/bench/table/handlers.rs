//! Rows 7 and 8: how fast an auction is read and bids are taken by HTTP while nobody decides, and how fast bare handlers
//! do that: one that answers with the same bytes, and one that adds the bid to the same stream.

use super::row::Row;
use super::{Measured, TableArgs};
use crate::Failure;
use crate::bench::backlog::{Crowd, auction, bid, give};
use crate::bench::client::Client;
use crate::bench::consumers::Consumers;
use crate::bench::environment::{BenchEnvironment, answers, quiet};
use crate::bench::http_bids::request;
use crate::bench::resource_usage::{Meter, ResourceUsage};
use crate::bench::running::start_ingress;
use auction_testkit::free_address::own_address;
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// Connections, each with one request at a time.
const CONNECTIONS: usize = 64;

/// How long a lap takes.
const LAP: Duration = Duration::from_secs(2);

/// One auction with some bids.
const CROWD: Crowd = Crowd { users: 100, auctions: 1, bidders: 100 };
const BIDS: usize = 50;

pub(super) async fn measure(arguments: &TableArgs) -> Result<Vec<Measured>, Failure> {
    let bench = BenchEnvironment::with_auctions(CROWD.users, CROWD.auctions).await?;
    let (writer, mut consumers) = (bench.writer()?, Consumers::start(&bench).await?);
    give(&mut bench.redis().await?, (0..BIDS).map(|n| bid(n, CROWD.auctions, CROWD.users))).await?;
    consumers.reached((CROWD.users + CROWD.auctions + BIDS) as u64).await?;
    // Nobody decides from now on: what comes in is measured.
    consumers.end()?;
    writer.end()?;
    let ((ingress, portal), bare) = (start_ingress(&bench).await?, own_address()?);
    let read = format!("GET /auction/{} HTTP/1.1\r\nHost: bench\r\n\r\n", auction(0).0);
    let mut offer = String::new();
    request(&mut offer, CROWD, BIDS, "")?;
    let body = Client::connect(portal).await?.ask(read.as_bytes()).await?.to_vec();
    let file = tempfile::NamedTempFile::new()?;
    std::fs::write(file.path(), &body)?;
    let path = file.path().to_str().ok_or("a directory for files of a short life whose name is no text")?;
    let handlers = bench.beside(&["bare", &bare.to_string(), "--read", path])?;
    answers(bare).await?;
    if Client::connect(bare).await?.ask(read.as_bytes()).await? != body {
        return Err("the bare handler answers something else".into());
    }
    let mut measured = Vec::new();
    for (which, request) in [("reads", &read), ("accepts", &offer)] {
        for _ in 0..arguments.rounds {
            for (row, server) in [(Row::BareHandlers, bare), (Row::Reads, portal)] {
                quiet()?;
                let (answers, cost) = lap(server, request).await?;
                let value = answers as f64 / cost.took.as_secs_f64();
                let name = format!("{}: {}", row.name(), name(which));
                let figure = Measured::of(row, which, &name, value, "/s");
                measured.push(Measured { cost: Some(cost), ..figure });
            }
        }
    }
    measured.sort_by(|one, other| one.key.cmp(&other.key));
    drop(handlers);
    ingress.end()?;
    bench.stop().await?;
    Ok(measured)
}

fn name(which: &str) -> &'static str {
    match which {
        "reads" => "reads of an auction",
        _ => "bids accepted (202), nobody decides",
    }
}

/// How many answers all connections got.
async fn lap(server: SocketAddr, request: &str) -> Result<(u64, ResourceUsage), Failure> {
    let mut clients = Vec::new();
    for _ in 0..CONNECTIONS {
        clients.push(Client::connect(server).await?);
    }
    let (meter, mut all) = (Meter::start()?, JoinSet::new());
    let until = Instant::now() + LAP;
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
    Ok((count, meter.stop()?))
}
