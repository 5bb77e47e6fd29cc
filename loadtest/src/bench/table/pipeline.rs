//! Rows 5 and 6: bids arrive while all components run, and count when they can be read. Row 6b, the baseline
//! of row 6: bare HTTP handlers and the bare probe; bids count when they are published.

use super::row::Row;
use super::{Measurement, TableArgs};
use crate::Failure;
use crate::bench::bench_portal::{BenchPortal, percentile, sync_disks};
use crate::bench::resource_usage::Meter;
use crate::run::history::Record;

pub(super) async fn streams(arguments: &TableArgs) -> Result<Vec<Measurement>, Failure> {
    let (bid_pattern, bids) = (arguments.bid_pattern(), arguments.bids);
    let mut bench = BenchPortal::start(bid_pattern.users, bid_pattern.auctions).await?;
    bench.start_all().await?;
    let meter = Meter::start()?;
    bench.add_bids(bid_pattern, 0..bids).await?;
    bench.wait_until_readable(bench.begin + bids as u64).await?;
    let usage = meter.stop()?;
    bench.stop(bids).await?;
    Ok(vec![Measurement::rate(Row::Streams, bids as u64, usage)])
}

pub(super) async fn http(arguments: &TableArgs) -> Result<Vec<Measurement>, Failure> {
    let (bid_pattern, bids) = (arguments.bid_pattern(), arguments.bids);
    let mut bench = BenchPortal::start(bid_pattern.users, bid_pattern.auctions).await?;
    bench.start_all().await?;
    let http = bench.start_ingress().await?;
    let all = (0..bids).map(move |n| bid_pattern.bid(n));
    let meter = Meter::start()?;
    let records = bench.place_bids(&http, arguments.connections, all).await?;
    let accepted = bids as f64 / meter.stop()?.took.as_secs_f64();
    bench.wait_until_readable(bench.begin + bids as u64).await?;
    let usage = meter.stop()?;
    bench.stop(bids).await?;
    // All bids are due at the start: each connection sends one after the other.
    let times =
        || records.iter().map(|Record { latency_us, queued_us, .. }| u64::from(latency_us - queued_us));
    let row = Row::Http;
    Ok(vec![
        Measurement::rate(row, bids as u64, usage),
        Measurement::of(row, "202", "accepted", accepted, "bids/s"),
        Measurement::of(row, "p50", "accepted, p50", percentile(times(), 0.5), "ms"),
        Measurement::of(row, "p99", "accepted, p99", percentile(times(), 0.99), "ms"),
    ])
}

pub(super) async fn bare_http(arguments: &TableArgs) -> Result<Vec<Measurement>, Failure> {
    let (bid_pattern, bids) = (arguments.bid_pattern(), arguments.bids);
    let mut bench = BenchPortal::start(bid_pattern.users, bid_pattern.auctions).await?;
    let begin = bench.events().await?;
    let http = bench.start_bare_handlers(&[]).await?;
    bench.spawn_baseline(&["probe"])?;
    sync_disks()?;
    let meter = Meter::start()?;
    let all = (0..bids).map(move |n| bid_pattern.bid(n));
    bench.place_bids(&http, arguments.connections, all).await?;
    bench.wait_until_published(begin + bids as u64).await?;
    let usage = meter.stop()?;
    bench.portal.stop().await?;
    Ok(vec![Measurement::rate(Row::BareHttp, bids as u64, usage)])
}
