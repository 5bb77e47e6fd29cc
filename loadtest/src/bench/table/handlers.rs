//! Rows 7 and 8: rate of auction reads and accepted bids over HTTP without a writer, compared with bare
//! handlers: one that returns the same bytes, and one that adds the bid to the same stream.

use super::row::Row;
use super::{Measurement, TableArgs};
use crate::Failure;
use crate::bench::backlog::{BidPattern, add_commands, auction, bid};
use crate::bench::client::Client;
use crate::bench::consumers::Consumers;
use crate::bench::environment::{BenchEnvironment, sync_disks, wait_for_listener};
use crate::bench::http_bids::request;
use crate::bench::resource_usage::{Meter, ResourceUsage};
use crate::bench::running::start_ingress;
use auction_testkit::free_address::own_address;
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// Number of connections, each with one request at a time.
const CONNECTIONS: usize = 64;

/// Duration of one measurement.
const MEASURE_TIME: Duration = Duration::from_secs(2);

const BID_PATTERN: BidPattern = BidPattern { users: 100, auctions: 1, bidders: 100 };
const BIDS: usize = 50;

pub(super) async fn measure(arguments: &TableArgs) -> Result<Vec<Measurement>, Failure> {
    let bench = BenchEnvironment::with_auctions(BID_PATTERN.users, BID_PATTERN.auctions).await?;
    let (writer, mut consumers) = (bench.writer()?, Consumers::start(&bench).await?);
    add_commands(
        &mut bench.redis().await?,
        (0..BIDS).map(|n| bid(n, BID_PATTERN.auctions, BID_PATTERN.users)),
    )
    .await?;
    consumers.wait_for_events((BID_PATTERN.users + BID_PATTERN.auctions + BIDS) as u64).await?;
    // Without a writer from now on: only the ingress is measured.
    consumers.end()?;
    writer.end()?;
    let ((ingress, portal), bare) = (start_ingress(&bench).await?, own_address()?);
    let read = format!("GET /auction/{} HTTP/1.1\r\nHost: bench\r\n\r\n", auction(0).0);
    let mut bid_request = String::new();
    request(&mut bid_request, BID_PATTERN, BIDS, "")?;
    let body = Client::connect(portal).await?.send(read.as_bytes()).await?.to_vec();
    let file = tempfile::NamedTempFile::new()?;
    std::fs::write(file.path(), &body)?;
    let path = file.path().to_str().ok_or("the path of the temporary directory is not UTF-8")?;
    let handlers = bench.spawn_baseline(&["bare", &bare.to_string(), "--read", path])?;
    wait_for_listener(bare).await?;
    if Client::connect(bare).await?.send(read.as_bytes()).await? != body {
        return Err("the bare handler returned a different body".into());
    }
    let mut measured = Vec::new();
    for (which, request) in [("reads", &read), ("accepts", &bid_request)] {
        for _ in 0..arguments.rounds {
            for (row, server) in [(Row::BareHandlers, bare), (Row::Reads, portal)] {
                sync_disks()?;
                let (responses, usage) = measure_requests(server, request).await?;
                let value = responses as f64 / usage.took.as_secs_f64();
                let name = format!("{}: {}", row.name(), name(which));
                let figure = Measurement::of(row, which, &name, value, "/s");
                measured.push(Measurement { usage: Some(usage), ..figure });
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
        _ => "bids accepted (202), no writer",
    }
}

/// Sends a request repeatedly over all connections. Returns the number of responses and the resource usage.
async fn measure_requests(server: SocketAddr, request: &str) -> Result<(u64, ResourceUsage), Failure> {
    let mut clients = Vec::new();
    for _ in 0..CONNECTIONS {
        clients.push(Client::connect(server).await?);
    }
    let (meter, mut all) = (Meter::start()?, JoinSet::new());
    let until = Instant::now() + MEASURE_TIME;
    for mut client in clients {
        let request = request.to_owned();
        all.spawn(async move {
            let mut count = 0u64;
            while Instant::now() < until {
                client.send(request.as_bytes()).await?;
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
