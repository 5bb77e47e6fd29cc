//! Rows 10 and 11: memory used by auctions and bids in each process, and disk space used by bids.

use super::report::number;
use super::row::Row;
use super::{Measurement, TableArgs};
use crate::Failure;
use crate::bench::bench_portal::{BenchPortal, BidPattern};
use crate::bench::resource_usage::{LOAD, memory};
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

/// Components with a cache, and the setting that is reduced to [`CACHE_SIZE`] auctions per partition, to show
/// that memory is bounded.
const CACHES: [(&str, &str); 3] = [
    ("writer", "AUCTION__WRITER__AGGREGATE_CACHE_SIZE"),
    ("projector", "AUCTION__PROJECTOR__AUCTION_CACHE_SIZE"),
    ("notifier", "AUCTION__NOTIFIER__AUCTION_CACHE_SIZE"),
];
const CACHE_SIZE: usize = 100;

/// Auctions created and bid on in each round, and number of rounds.
const AUCTIONS_PER_ROUND: usize = 2000;
const ROUNDS: usize = 20;

type Memory = BTreeMap<String, u64>;

/// Figures of row 11.
const DISK: [(&str, &str); 3] = [
    ("aof", "Redis append-only file"),
    ("wal", "Postgres write-ahead log"),
    ("tables", "Postgres tables and indexes"),
];

pub(super) async fn measure(arguments: &TableArgs) -> Result<Vec<Measurement>, Failure> {
    let (bid_pattern, bids) = (arguments.bid_pattern(), arguments.bids);
    let mut bench = BenchPortal::start(bid_pattern.users, WARM_UP_AUCTIONS).await?;
    bench.start_all().await?;
    let http = bench.start_ingress().await?;
    // A rewrite of the append-only file during the measurement would shrink it.
    let mut no_rewrite = redis::cmd("CONFIG");
    no_rewrite.arg("SET").arg("auto-aof-rewrite-percentage").arg(0);
    no_rewrite.query_async::<()>(&mut bench.redis).await?;
    let warm_up = BidPattern { auctions: WARM_UP_AUCTIONS, ..bid_pattern };
    let warm_up = (0..WARM_UP_BIDS).map(move |n| warm_up.bid(n));
    bench.place_bids(&http, arguments.connections, warm_up).await?;
    bench.wait_until_handled(WARM_UP_BIDS).await?;
    let empty = memory()?;
    bench.add_auctions(AUCTIONS).await?;
    bench.wait_until_handled(WARM_UP_BIDS + AUCTIONS).await?;
    let (with_auctions, before) = (memory()?, disk(&mut bench).await?);
    let bid_pattern = BidPattern { auctions: WARM_UP_AUCTIONS + AUCTIONS, ..bid_pattern };
    let all = WARM_UP_BIDS + bids;
    let measured_bids = (WARM_UP_BIDS..all).map(move |n| bid_pattern.bid(n));
    bench.place_bids(&http, arguments.connections, measured_bids).await?;
    bench.wait_until_handled(all + AUCTIONS).await?;
    let (with_bids, after) = (memory()?, disk(&mut bench).await?);
    bench.stop(all).await?;
    let mut measured = growth(&empty, &with_auctions, "auctions", PER_AUCTIONS / AUCTIONS as f64);
    measured.extend(growth(&with_auctions, &with_bids, "bids", PER_BIDS / bids as f64));
    for (n, (entry, name)) in DISK.into_iter().enumerate() {
        let per_bid = (after[n] - before[n]) as f64 / bids as f64;
        measured.push(Measurement::of(Row::Disk, entry, name, per_bid, "bytes/bid"));
    }
    Ok(measured)
}

/// Measures the memory used by more auctions when the caches are small and full.
pub(super) async fn bounded(arguments: &TableArgs) -> Result<Vec<Measurement>, Failure> {
    let mut bench = BenchPortal::start(arguments.bid_pattern().users, 0).await?;
    bench.portal.settings.extend(CACHES.map(|(_, setting)| (setting, CACHE_SIZE.to_string())));
    bench.start_all().await?;
    let all = ROUNDS * AUCTIONS_PER_ROUND;
    let bid_pattern = BidPattern { auctions: all, ..arguments.bid_pattern() };
    let mut samples = Vec::new();
    for first in (0..all).step_by(AUCTIONS_PER_ROUND) {
        bench.add_auctions(AUCTIONS_PER_ROUND).await?;
        bench.wait_until_handled(2 * first + AUCTIONS_PER_ROUND).await?;
        let last = first + AUCTIONS_PER_ROUND;
        bench.add_bids(bid_pattern, first..last).await?;
        bench.wait_until_handled(2 * last).await?;
        samples.push(memory()?);
    }
    let capacity = number((CACHE_SIZE * usize::from(bench.partitions.get())) as f64);
    bench.stop(all).await?;
    // Memory fluctuates because the allocator returns it gradually; the minimum is what is in use.
    let minimum =
        |of: &[Memory], kind: &str| of.iter().filter_map(|samples| samples.get(kind)).min().copied();
    let figure_of = |(kind, _): &(&str, &str)| {
        let (before, after) = samples.split_at(ROUNDS / 2);
        let growth = minimum(after, kind)? as f64 - minimum(before, kind)? as f64;
        let name = format!("the same with caches of {capacity} auctions, which are full: {kind}");
        let megabytes = PER_AUCTIONS * growth / (all / 2) as f64 / 1e6;
        Some(Measurement::of(Row::Memory, &format!("bound {kind}"), &name, megabytes, "MB"))
    };
    Ok(CACHES.iter().filter_map(figure_of).collect())
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

/// Returns the disk usage in bytes, in the order of [`DISK`].
async fn disk(bench: &mut BenchPortal) -> Result<[i64; 3], Failure> {
    let info: String = redis::cmd("INFO").arg("persistence").query_async(&mut bench.redis).await?;
    let aof = info.lines().find_map(|line| line.strip_prefix("aof_current_size:"));
    let query = "SELECT (pg_current_wal_lsn() - '0/0')::bigint, \
                 (SELECT sum(pg_total_relation_size(oid))::bigint FROM pg_class \
                  WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace)";
    let row = bench.database.query_one(query, &[]).await?;
    Ok([aof.ok_or("no aof_current_size")?.parse()?, row.get(0), row.get(1)])
}
