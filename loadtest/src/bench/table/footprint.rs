//! Rows 10 and 11: what auctions and bids take of memory, in each process, and bids of the disk.

use super::report::number;
use super::row::Row;
use super::{Measured, TableArgs};
use crate::Failure;
use crate::bench::backlog::{Crowd, auction, create_auction, give, partitions};
use crate::bench::environment::BenchEnvironment;
use crate::bench::http_bids::place_all;
use crate::bench::resource_usage::{LOAD, memory};
use crate::bench::running::{Running, start_ingress};
use std::collections::BTreeMap;

/// Auctions that are created.
const AUCTIONS: usize = 2000;

/// Before anything counts, some auctions were bid on: every process has the threads, connections and buffers that it
/// needs for that, and Postgres its shared memory.
const EARLIER_AUCTIONS: usize = 100;
const EARLIER_BIDS: usize = 20_000;

/// Figures are told for so many.
const PER_AUCTIONS: f64 = 1000.0;
const PER_BIDS: f64 = 100_000.0;

/// What is kept in memory, and how many auctions of a partition are kept there while it is looked whether that is so.
const CACHES: [&str; 3] = [
    "AUCTION__WRITER__CACHED_AGGREGATES",
    "AUCTION__PROJECTOR__CACHED_AUCTIONS",
    "AUCTION__NOTIFIER__CACHED_AUCTIONS",
];
const KEPT: usize = 100;

/// Who has such a cache.
const BOUNDED: [&str; 3] = ["writer", "projector", "notifier"];

/// So many auctions are created and bid on, so many times, others each time.
const MANY: usize = 2000;
const TURNS: usize = 20;

type Memory = BTreeMap<String, u64>;

/// What lies on disk, in bytes.
struct Disk {
    aof: i64,
    wal: i64,
    tables: i64,
}

pub(super) async fn measure(arguments: &TableArgs) -> Result<Vec<Measured>, Failure> {
    let (users, bids) = (arguments.crowd().users, arguments.bids);
    let mut running = Running::start(users, EARLIER_AUCTIONS).await?;
    let (ingress, portal) = start_ingress(&running.bench).await?;
    // A file that is written anew meanwhile would be shorter than what was written.
    let mut redis = running.bench.redis().await?;
    redis::cmd("CONFIG")
        .arg("SET")
        .arg("auto-aof-rewrite-percentage")
        .arg(0)
        .query_async::<()>(&mut redis)
        .await?;
    let earlier = Crowd { auctions: EARLIER_AUCTIONS, ..arguments.crowd() };
    place_all(portal, arguments.connections, earlier, 0..EARLIER_BIDS).await?;
    running.readable(EARLIER_BIDS).await?;
    running.told().await?;
    let empty = memory()?;
    let auctions = EARLIER_AUCTIONS..EARLIER_AUCTIONS + AUCTIONS;
    give(&mut redis, auctions.clone().map(|n| create_auction(auction(n)))).await?;
    running.readable(EARLIER_BIDS + AUCTIONS).await?;
    running.told().await?;
    let (with_auctions, before) = (memory()?, disk(&running.bench).await?);
    let crowd = Crowd { auctions: auctions.end, ..arguments.crowd() };
    let all = EARLIER_BIDS + bids;
    place_all(portal, arguments.connections, crowd, EARLIER_BIDS..all).await?;
    running.readable(all + AUCTIONS).await?;
    running.told().await?;
    let (with_bids, after) = (memory()?, disk(&running.bench).await?);
    ingress.end()?;
    running.stop(all).await?;
    let mut measured = grown(&empty, &with_auctions, "auctions", PER_AUCTIONS / AUCTIONS as f64);
    measured.extend(grown(&with_auctions, &with_bids, "bids", PER_BIDS / bids as f64));
    let per_bid = |which: &str, name: &str, grown: i64| {
        Measured::of(Row::Disk, which, name, grown as f64 / bids as f64, "bytes/bid")
    };
    measured.push(per_bid("aof", "on disk in Redis: its append-only file", after.aof - before.aof));
    measured.push(per_bid("wal", "on disk in Postgres: its log", after.wal - before.wal));
    measured.push(per_bid("tables", "on disk in Postgres: tables and indexes", after.tables - before.tables));
    Ok(measured)
}

/// Whether memory is bounded by settings: with small caches that are full, what more auctions take.
pub(super) async fn bounded(arguments: &TableArgs) -> Result<Vec<Measured>, Failure> {
    let mut bench = BenchEnvironment::with_auctions(arguments.crowd().users, 0).await?;
    for cache in CACHES {
        bench.set(cache, KEPT.to_string());
    }
    let mut running = Running::start_on(bench).await?;
    let mut redis = running.bench.redis().await?;
    let crowd = Crowd { auctions: TURNS * MANY, ..arguments.crowd() };
    let mut seen = Vec::new();
    for turn in 1..=TURNS {
        let auctions = (turn - 1) * MANY..turn * MANY;
        give(&mut redis, auctions.clone().map(|n| create_auction(auction(n)))).await?;
        running.readable(2 * auctions.start + MANY).await?;
        give(&mut redis, auctions.clone().map(|n| crowd.command(n))).await?;
        running.readable(2 * auctions.end).await?;
        running.told().await?;
        seen.push(memory()?);
    }
    running.stop(TURNS * MANY).await?;
    // What an allocator gives back by and by makes it go up and down: the least is what is held.
    let least = |of: &[Memory], kind: &str| of.iter().filter_map(|seen| seen.get(kind)).min().copied();
    let of_one = |kind: &&str| {
        let (before, after) = seen.split_at(TURNS / 2);
        let grown = least(after, kind)? as f64 - least(before, kind)? as f64;
        let kept = number((KEPT * usize::from(partitions().ok()?.get())) as f64);
        let name = format!("the same with room for {kept}, which are there: {kind}");
        let per_auction = grown / (MANY * TURNS / 2) as f64;
        Some(Measured::of(
            Row::Memory,
            &format!("bound {kind}"),
            &name,
            PER_AUCTIONS * per_auction / 1e6,
            "MB",
        ))
    };
    Ok(BOUNDED.iter().filter_map(of_one).collect())
}

/// How much more each process has, in megabytes for as many as are told.
fn grown(before: &Memory, after: &Memory, of: &str, scale: f64) -> Vec<Measured> {
    let per = if of == "auctions" { PER_AUCTIONS } else { PER_BIDS };
    let of_one = |(kind, bytes): (&String, &u64)| {
        let grown = *bytes as f64 - before.get(kind).copied().unwrap_or_default() as f64;
        let name = format!("memory for {} {of} more: {kind}", number(per));
        Measured::of(Row::Memory, &format!("{of} {kind}"), &name, scale * grown / 1e6, "MB")
    };
    after.iter().filter(|(kind, _)| kind.as_str() != LOAD).map(of_one).collect()
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
