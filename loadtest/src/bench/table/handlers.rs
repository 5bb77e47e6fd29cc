//! Rows 7 and 8: rate of auction reads and accepted bids over HTTP without a writer, compared with bare
//! handlers: one that returns the same bytes, and one that adds the bid to the same stream.

use super::row::Row;
use super::{Measurement, TableArgs};
use crate::Failure;
use crate::bench::bench_portal::{BenchPortal, BidPattern, CONSUMERS, sync_disks};
use crate::bench::resource_usage::{Meter, ResourceUsage};
use crate::run::mix::Operation;
use crate::run::plan::PlannedRequest;
use crate::run::target::client::{Address, Client};
use futures_util::future::try_join_all;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// Number of connections, each with one request at a time.
const CONNECTIONS: usize = 64;

/// Duration of one measurement.
const MEASURE_TIME: Duration = Duration::from_secs(2);

const BID_PATTERN: BidPattern = BidPattern { users: 100, first: 0, auctions: 1, bidders: 100 };
const BIDS: usize = 50;

pub(super) async fn measure(arguments: &TableArgs) -> Result<Vec<Measurement>, Failure> {
    let mut bench = BenchPortal::start(BID_PATTERN.users, BID_PATTERN.auctions).await?;
    bench.start_all().await?;
    bench.add_bids(BID_PATTERN, 0..BIDS).await?;
    bench.wait_until_readable(bench.begin + BIDS as u64).await?;
    // Without a writer from now on: only the ingress is measured.
    bench.portal.end(&CONSUMERS)?;
    bench.portal.end(&["writer"])?;
    let http = bench.start_ingress().await?;
    let bid = BID_PATTERN.bid(BIDS);
    let read = http.encode(&bench.run_ids, &PlannedRequest { operation: Operation::ReadAuction, ..bid });
    let bid = http.encode(&bench.run_ids, &bid);
    let body = Client::connect(&http.address).await?.send(&read).await?.body.to_vec();
    let file = tempfile::NamedTempFile::new()?;
    std::fs::write(file.path(), &body)?;
    let path = file.path().to_str().ok_or("the path of the temporary directory is not UTF-8")?;
    let bare = bench.start_bare_handlers(&["--read", path]).await?;
    if Client::connect(&bare.address).await?.send(&read).await?.body != body {
        return Err("the bare handler returned a different body".into());
    }
    let mut measured = Vec::new();
    for (which, name, request) in
        [("reads", "reads of an auction", &read), ("accepts", "bids accepted (202), no writer", &bid)]
    {
        for _ in 0..arguments.rounds {
            for (row, server) in [(Row::BareHandlers, &bare), (Row::Reads, &http)] {
                sync_disks()?;
                let (responses, usage) = measure_requests(&server.address, request).await?;
                let value = responses as f64 / usage.took.as_secs_f64();
                let figure = Measurement::of(row, which, &format!("{}: {name}", row.name()), value, "/s");
                measured.push(Measurement { usage: Some(usage), ..figure });
            }
        }
    }
    measured.sort_by(|one, other| one.key.cmp(&other.key));
    bench.portal.stop().await?;
    Ok(measured)
}

/// Sends a request repeatedly over all connections. Returns the number of responses and the resource usage.
async fn measure_requests(server: &Address, request: &[u8]) -> Result<(u64, ResourceUsage), Failure> {
    let clients = try_join_all((0..CONNECTIONS).map(|_| Client::connect(server))).await?;
    let (meter, mut all) = (Meter::start()?, JoinSet::new());
    let until = Instant::now() + MEASURE_TIME;
    for mut client in clients {
        let request = request.to_owned();
        all.spawn(async move {
            let mut count = 0u64;
            while Instant::now() < until {
                let response = client.send(&request).await?;
                if !matches!(response.status, 200 | 202) {
                    return Err(format!("a request was answered with {}", response.status).into());
                }
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
