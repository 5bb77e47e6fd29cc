//! Rows 1 to 4: how fast a backlog of bids is decided and published, by the writer and by its baselines.

use super::row::Row;
use super::{Measurement, TableArgs};
use crate::Failure;
use crate::bench::bench_portal::{BenchPortal, BidPattern, CONSUMERS, sync_disks};
use crate::bench::resource_usage::Meter;
use crate::bench::single;
use auction_app::projector::rebuild::rebuild;
use auction_postgres::queries::PostgresQueries;
use auction_redis::views::RedisGenerations;
use std::num::NonZeroUsize;

pub(super) async fn measure(row: Row, arguments: &TableArgs) -> Result<Vec<Measurement>, Failure> {
    let bids = if row == Row::Single { arguments.single_bids } else { arguments.bids };
    let all = arguments.bid_pattern();
    let bid_pattern = match row {
        Row::OneAuction => BidPattern { auctions: 1, bidders: all.users, ..all },
        _ => all,
    };
    let mut bench = BenchPortal::start(all.users, all.auctions).await?;
    if row == Row::WithConsumers {
        bench.start_consumers().await?;
    }
    let begin = bench.events().await?;
    bench.add_bids(bid_pattern, 0..bids).await?;
    sync_disks()?;
    if row == Row::Single {
        let usage = single::drain(&bench).await?;
        bench.portal.stop().await?;
        return Ok(vec![Measurement::rate(row, bids as u64, usage)]);
    }
    let (_, meter, first) = bench.start_decider(row == Row::Probe).await?;
    let last = begin + bids as u64;
    bench.wait_until_published(last).await?;
    if row == Row::WithConsumers {
        bench.wait_until_readable(last).await?;
    }
    let usage = meter.stop()?;
    let decided = usage.took;
    let mut measured = vec![Measurement::rate(row, last - first, usage)];
    if row == Row::WithConsumers {
        bench.wait_until_notified().await?;
        // The notifier waits up to a second for more events.
        let notified_after = meter.stop()?.took.saturating_sub(decided).as_secs_f64();
        let name = "all users notified after the last bid";
        measured.push(Measurement::of(row, "notified", name, notified_after, "s"));
        bench.portal.end(&CONSUMERS)?;
        measured.push(measure_rebuild(&bench).await?);
    }
    match row {
        Row::Probe => bench.portal.kill("probe"),
        _ => bench.verify_all_accepted(bids).await?,
    }
    bench.portal.stop().await?;
    Ok(measured)
}

/// Measures how fast another generation of all read models is created from the event store.
async fn measure_rebuild(bench: &BenchPortal) -> Result<Measurement, Failure> {
    let stores = bench.stores()?;
    let client = redis::Client::open(bench.portal.servers.redis_url())?;
    let generations = RedisGenerations::new(client, bench.pool.clone());
    let parking = PostgresQueries::new(&stores, 1)?;
    let (meter, mut events) = (Meter::start()?, 0);
    for partition in bench.partitions.all() {
        events += rebuild(&stores, &generations, &parking, partition, NonZeroUsize::MAX).await?.events;
    }
    let usage = meter.stop()?;
    let rate = events as f64 / usage.took.as_secs_f64();
    let figure =
        Measurement::of(Row::WithConsumers, "rebuild", "rebuild of all read models", rate, "events/s");
    Ok(Measurement { usage: Some(usage), ..figure })
}
