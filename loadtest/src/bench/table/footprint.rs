//! Rows 10 and 11: memory used by auctions and bids in each process, and disk space used by bids.

use super::report::number;
use super::row::Row;
use super::{Measurement, TableArgs};
use crate::Failure;
use crate::bench::backlog::{BidPattern, add_commands, auction, create_auction, partitions};
use crate::bench::environment::BenchEnvironment;
use crate::bench::http_bids::place_all;
use crate::bench::resource_usage::{LOAD, memory};
use crate::bench::running::{RunningPortal, start_ingress};
use std::collections::BTreeMap;

/// Number of auctions created.
const AUCTIONS: usize = 2000;

/// Auctions and bids before the measurement, so that every process has its threads, connections and buffers,
/// and Postgres its shared memory.
const WARM_UP_AUCTIONS: usize = 100;
const WARM_UP_BIDS: usize = 20_000;

/// Figures are reported per this many auctions and bids.
const PER_AUCTIONS: f64 = 1000.0;
const PER_BIDS: f64 = 100_000.0;

/// Cache settings that are reduced to [`CACHE_SIZE`] auctions per partition, to show that memory is bounded.
const CACHES: [&str; 3] = [
    "AUCTION__WRITER__AGGREGATE_CACHE_SIZE",
    "AUCTION__PROJECTOR__AUCTION_CACHE_SIZE",
    "AUCTION__NOTIFIER__AUCTION_CACHE_SIZE",
];
const CACHE_SIZE: usize = 100;

/// Components with such a cache.
const CACHING_COMPONENTS: [&str; 3] = ["writer", "projector", "notifier"];

/// Auctions created and bid on in each round, and number of rounds.
const AUCTIONS_PER_ROUND: usize = 2000;
const ROUNDS: usize = 20;

type Memory = BTreeMap<String, u64>;

/// Disk usage in bytes.
struct Disk {
    aof: i64,
    wal: i64,
    tables: i64,
}

pub(super) async fn measure(arguments: &TableArgs) -> Result<Vec<Measurement>, Failure> {
    let (users, bids) = (arguments.bid_pattern().users, arguments.bids);
    let mut running = RunningPortal::start(users, WARM_UP_AUCTIONS).await?;
    let (ingress, portal) = start_ingress(&running.bench).await?;
    // A rewrite of the append-only file during the measurement would shrink it.
    let mut redis = running.bench.redis().await?;
    redis::cmd("CONFIG")
        .arg("SET")
        .arg("auto-aof-rewrite-percentage")
        .arg(0)
        .query_async::<()>(&mut redis)
        .await?;
    let warm_up = BidPattern { auctions: WARM_UP_AUCTIONS, ..arguments.bid_pattern() };
    place_all(portal, arguments.connections, warm_up, 0..WARM_UP_BIDS).await?;
    running.wait_until_readable(WARM_UP_BIDS).await?;
    running.wait_until_notified().await?;
    let empty = memory()?;
    let auctions = WARM_UP_AUCTIONS..WARM_UP_AUCTIONS + AUCTIONS;
    add_commands(&mut redis, auctions.clone().map(|n| create_auction(auction(n)))).await?;
    running.wait_until_readable(WARM_UP_BIDS + AUCTIONS).await?;
    running.wait_until_notified().await?;
    let (with_auctions, before) = (memory()?, disk(&running.bench).await?);
    let bid_pattern = BidPattern { auctions: auctions.end, ..arguments.bid_pattern() };
    let all = WARM_UP_BIDS + bids;
    place_all(portal, arguments.connections, bid_pattern, WARM_UP_BIDS..all).await?;
    running.wait_until_readable(all + AUCTIONS).await?;
    running.wait_until_notified().await?;
    let (with_bids, after) = (memory()?, disk(&running.bench).await?);
    ingress.end()?;
    running.stop(all).await?;
    let mut measured = growth(&empty, &with_auctions, "auctions", PER_AUCTIONS / AUCTIONS as f64);
    measured.extend(growth(&with_auctions, &with_bids, "bids", PER_BIDS / bids as f64));
    let per_bid = |entry: &str, name: &str, growth: i64| {
        Measurement::of(Row::Disk, entry, name, growth as f64 / bids as f64, "bytes/bid")
    };
    measured.push(per_bid("aof", "Redis append-only file", after.aof - before.aof));
    measured.push(per_bid("wal", "Postgres write-ahead log", after.wal - before.wal));
    measured.push(per_bid("tables", "Postgres tables and indexes", after.tables - before.tables));
    Ok(measured)
}

/// Measures the memory used by more auctions when the caches are small and full.
pub(super) async fn bounded(arguments: &TableArgs) -> Result<Vec<Measurement>, Failure> {
    let mut bench = BenchEnvironment::with_auctions(arguments.bid_pattern().users, 0).await?;
    for cache in CACHES {
        bench.set(cache, CACHE_SIZE.to_string());
    }
    let mut running = RunningPortal::start_on(bench).await?;
    let mut redis = running.bench.redis().await?;
    let bid_pattern = BidPattern { auctions: ROUNDS * AUCTIONS_PER_ROUND, ..arguments.bid_pattern() };
    let mut samples = Vec::new();
    for round in 1..=ROUNDS {
        let auctions = (round - 1) * AUCTIONS_PER_ROUND..round * AUCTIONS_PER_ROUND;
        add_commands(&mut redis, auctions.clone().map(|n| create_auction(auction(n)))).await?;
        running.wait_until_readable(2 * auctions.start + AUCTIONS_PER_ROUND).await?;
        add_commands(&mut redis, auctions.clone().map(|n| bid_pattern.command(n))).await?;
        running.wait_until_readable(2 * auctions.end).await?;
        running.wait_until_notified().await?;
        samples.push(memory()?);
    }
    running.stop(ROUNDS * AUCTIONS_PER_ROUND).await?;
    // Memory fluctuates because the allocator returns it gradually; the minimum is what is in use.
    let minimum =
        |of: &[Memory], kind: &str| of.iter().filter_map(|samples| samples.get(kind)).min().copied();
    let figure_of = |kind: &&str| {
        let (before, after) = samples.split_at(ROUNDS / 2);
        let growth = minimum(after, kind)? as f64 - minimum(before, kind)? as f64;
        let capacity = number((CACHE_SIZE * usize::from(partitions().ok()?.get())) as f64);
        let name = format!("the same with caches of {capacity} auctions, which are full: {kind}");
        let per_auction = growth / (AUCTIONS_PER_ROUND * ROUNDS / 2) as f64;
        Some(Measurement::of(
            Row::Memory,
            &format!("bound {kind}"),
            &name,
            PER_AUCTIONS * per_auction / 1e6,
            "MB",
        ))
    };
    Ok(CACHING_COMPONENTS.iter().filter_map(figure_of).collect())
}

/// Returns the additional memory of each process in megabytes, scaled.
fn growth(before: &Memory, after: &Memory, of: &str, scale: f64) -> Vec<Measurement> {
    let per = if of == "auctions" { PER_AUCTIONS } else { PER_BIDS };
    let figure_of = |(kind, bytes): (&String, &u64)| {
        let growth = *bytes as f64 - before.get(kind).copied().unwrap_or_default() as f64;
        let name = format!("memory for {} more {of}: {kind}", number(per));
        Measurement::of(Row::Memory, &format!("{of} {kind}"), &name, scale * growth / 1e6, "MB")
    };
    after.iter().filter(|(kind, _)| kind.as_str() != LOAD).map(figure_of).collect()
}

async fn disk(bench: &BenchEnvironment) -> Result<Disk, Failure> {
    let info: String = redis::cmd("INFO").arg("persistence").query_async(&mut bench.redis().await?).await?;
    let aof = info.lines().find_map(|line| line.strip_prefix("aof_current_size:"));
    let query = "SELECT (pg_current_wal_lsn() - '0/0')::bigint, \
                 (SELECT sum(pg_total_relation_size(oid))::bigint FROM pg_class \
                  WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace)";
    let row = bench.database().query_one(query, &[]).await?;
    Ok(Disk { aof: aof.ok_or("no aof_current_size")?.parse()?, wal: row.get(0), tables: row.get(1) })
}
