//! Rows 5 and 6: bids arrive while all components run, and count when they can be read. Row 6b, the baseline
//! of row 6: bare HTTP handlers and the bare probe; bids count when they are published.

use super::row::Row;
use super::{Measurement, TableArgs};
use crate::Failure;
use crate::bench::backlog::add_commands;
use crate::bench::environment::{BenchEnvironment, sync_disks, wait_for_listener};
use crate::bench::http_bids::{percentile, place_all};
use crate::bench::resource_usage::Meter;
use crate::bench::running::{RunningPortal, start_ingress};
use auction_testkit::free_address::own_address;

pub(super) async fn streams(arguments: &TableArgs) -> Result<Vec<Measurement>, Failure> {
    let (bid_pattern, bids) = (arguments.bid_pattern(), arguments.bids);
    let mut running = RunningPortal::start(bid_pattern.users, bid_pattern.auctions).await?;
    let meter = Meter::start()?;
    add_commands(&mut running.bench.redis().await?, (0..bids).map(|n| bid_pattern.command(n))).await?;
    running.wait_until_readable(bids).await?;
    let usage = meter.stop()?;
    running.stop(bids).await?;
    Ok(vec![Measurement::rate(Row::Streams, bids as u64, usage)])
}

pub(super) async fn http(arguments: &TableArgs) -> Result<Vec<Measurement>, Failure> {
    let (bid_pattern, bids) = (arguments.bid_pattern(), arguments.bids);
    let mut running = RunningPortal::start(bid_pattern.users, bid_pattern.auctions).await?;
    let (ingress, address) = start_ingress(&running.bench).await?;
    let meter = Meter::start()?;
    let took = place_all(address, arguments.connections, bid_pattern, 0..bids).await?;
    let accepted = bids as f64 / meter.stop()?.took.as_secs_f64();
    running.wait_until_readable(bids).await?;
    let usage = meter.stop()?;
    ingress.end()?;
    running.stop(bids).await?;
    let row = Row::Http;
    Ok(vec![
        Measurement::rate(row, bids as u64, usage),
        Measurement::of(row, "202", "accepted", accepted, "bids/s"),
        Measurement::of(row, "p50", "accepted, p50", percentile(&took, 0.5), "ms"),
        Measurement::of(row, "p99", "accepted, p99", percentile(&took, 0.99), "ms"),
    ])
}

pub(super) async fn bare_http(arguments: &TableArgs) -> Result<Vec<Measurement>, Failure> {
    let (bid_pattern, bids, address) = (arguments.bid_pattern(), arguments.bids, own_address()?);
    let bench = BenchEnvironment::with_auctions(bid_pattern.users, bid_pattern.auctions).await?;
    let begin = bench.events().await?;
    let handlers = bench.spawn_baseline(&["bare", &address.to_string()])?;
    let probe = bench.spawn_baseline(&["probe"])?;
    wait_for_listener(address).await?;
    sync_disks()?;
    let meter = Meter::start()?;
    place_all(address, arguments.connections, bid_pattern, 0..bids).await?;
    bench.wait_until_published(begin + bids as u64).await?;
    let usage = meter.stop()?;
    drop((handlers, probe));
    bench.stop().await?;
    Ok(vec![Measurement::rate(Row::BareHttp, bids as u64, usage)])
}
