//! Rows 1 to 4: how fast a backlog of bids is decided and published, by the writer and by its baselines.

use super::row::Row;
use super::{Measurement, TableArgs};
use crate::Failure;
use crate::bench::backlog::{BidPattern, add_commands};
use crate::bench::consumers::Consumers;
use crate::bench::environment::{BenchEnvironment, sync_disks};
use crate::bench::resource_usage::Meter;
use crate::bench::single;

pub(super) async fn measure(row: Row, arguments: &TableArgs) -> Result<Vec<Measurement>, Failure> {
    let bids = if row == Row::Single { arguments.single_bids } else { arguments.bids };
    let bid_pattern = match row {
        Row::OneAuction => {
            BidPattern { auctions: 1, bidders: arguments.bid_pattern().users, ..arguments.bid_pattern() }
        }
        _ => arguments.bid_pattern(),
    };
    let bench = BenchEnvironment::with_auctions(bid_pattern.users, arguments.bid_pattern().auctions).await?;
    let consumers = if row == Row::WithConsumers { Some(Consumers::start(&bench).await?) } else { None };
    add_commands(&mut bench.redis().await?, (0..bids).map(|n| bid_pattern.command(n))).await?;
    sync_disks()?;
    let begin = bench.events().await?;
    if row == Row::Single {
        let usage = single::drain(&bench, bids).await?;
        bench.stop().await?;
        return Ok(vec![Measurement::rate(row, bids as u64, usage)]);
    }
    let worker = if row == Row::Probe { bench.spawn_baseline(&["probe"])? } else { bench.writer()? };
    // The start of the process and the acquisition of leases are not measured.
    bench.wait_for_events(begin + 1).await?;
    let (meter, first) = (Meter::start()?, bench.events().await?);
    let last = begin + bids as u64;
    bench.wait_until_published(last).await?;
    let mut measured = Vec::new();
    if let Some(mut consumers) = consumers {
        consumers.wait_for_events(last).await?;
        measured.push(Measurement::rate(row, last - first, meter.stop()?));
        let decided = meter.stop()?.took;
        consumers.wait_until_notified(&bench).await?;
        // The notifier waits up to a second for more events.
        let notified_after = meter.stop()?.took.saturating_sub(decided).as_secs_f64();
        measured.push(Measurement::of(
            row,
            "notified",
            "all users notified after the last bid",
            notified_after,
            "s",
        ));
        consumers.end()?;
    } else {
        measured.push(Measurement::rate(row, last - first, meter.stop()?));
    }
    if row == Row::Probe {
        drop(worker);
    } else {
        worker.end()?;
        bench.verify_all_accepted(bids).await?;
    }
    bench.stop().await?;
    Ok(measured)
}
