//! Rows 5 and 6: bids come while everything runs, and count when they can be read. And the bare way by HTTP beside it,
//! in which they count when they are published.

use super::row::Row;
use super::{Measured, TableArgs};
use crate::Failure;
use crate::bench::backlog::give;
use crate::bench::environment::{BenchEnvironment, answers, quiet};
use crate::bench::http_bids::{percentile, place_all};
use crate::bench::resource_usage::Meter;
use crate::bench::running::{Running, start_ingress};
use auction_testkit::free_address::own_address;

pub(super) async fn streams(arguments: &TableArgs) -> Result<Vec<Measured>, Failure> {
    let (crowd, bids) = (arguments.crowd(), arguments.bids);
    let mut running = Running::start(crowd.users, crowd.auctions).await?;
    let meter = Meter::start()?;
    give(&mut running.bench.redis().await?, (0..bids).map(|n| crowd.command(n))).await?;
    running.readable(bids).await?;
    let cost = meter.stop()?;
    running.stop(bids).await?;
    Ok(vec![Measured::rate(Row::Streams, bids as u64, cost)])
}

pub(super) async fn http(arguments: &TableArgs) -> Result<Vec<Measured>, Failure> {
    let (crowd, bids) = (arguments.crowd(), arguments.bids);
    let mut running = Running::start(crowd.users, crowd.auctions).await?;
    let (ingress, address) = start_ingress(&running.bench).await?;
    let meter = Meter::start()?;
    let took = place_all(address, arguments.connections, crowd, 0..bids).await?;
    let accepted = bids as f64 / meter.stop()?.took.as_secs_f64();
    running.readable(bids).await?;
    let cost = meter.stop()?;
    ingress.end()?;
    running.stop(bids).await?;
    let row = Row::Http;
    Ok(vec![
        Measured::rate(row, bids as u64, cost),
        Measured::of(row, "202", "accepted meanwhile", accepted, "bids/s"),
        Measured::of(row, "p50", "half of them accepted within", percentile(&took, 0.5), "ms"),
        Measured::of(row, "p99", "99 of 100 accepted within", percentile(&took, 0.99), "ms"),
    ])
}

pub(super) async fn bare_http(arguments: &TableArgs) -> Result<Vec<Measured>, Failure> {
    let (crowd, bids, address) = (arguments.crowd(), arguments.bids, own_address()?);
    let bench = BenchEnvironment::with_auctions(crowd.users, crowd.auctions).await?;
    let begin = bench.events().await?;
    let handlers = bench.beside(&["bare", &address.to_string()])?;
    let probe = bench.beside(&["probe"])?;
    answers(address).await?;
    quiet()?;
    let meter = Meter::start()?;
    place_all(address, arguments.connections, crowd, 0..bids).await?;
    bench.all_published(begin + bids as u64).await?;
    let cost = meter.stop()?;
    drop((handlers, probe));
    bench.stop().await?;
    Ok(vec![Measured::rate(Row::BareHttp, bids as u64, cost)])
}
