//! Rows 1 to 4: how fast a backlog of bids is decided and published, by the writer and by what it is compared with.

use super::row::Row;
use super::{Measured, TableArgs};
use crate::Failure;
use crate::bench::backlog::{Crowd, give};
use crate::bench::consumers::Consumers;
use crate::bench::environment::{BenchEnvironment, quiet};
use crate::bench::resource_usage::Meter;
use crate::bench::single;

pub(super) async fn measure(row: Row, arguments: &TableArgs) -> Result<Vec<Measured>, Failure> {
    let bids = if row == Row::Single { arguments.single_bids } else { arguments.bids };
    let crowd = match row {
        Row::OneAuction => Crowd { auctions: 1, bidders: arguments.crowd().users, ..arguments.crowd() },
        _ => arguments.crowd(),
    };
    let bench = BenchEnvironment::with_auctions(crowd.users, arguments.crowd().auctions).await?;
    let consumers = if row == Row::Followed { Some(Consumers::start(&bench).await?) } else { None };
    give(&mut bench.redis().await?, (0..bids).map(|n| crowd.command(n))).await?;
    quiet()?;
    let begin = bench.events().await?;
    if row == Row::Single {
        let cost = single::drain(&bench, bids).await?;
        bench.stop().await?;
        return Ok(vec![Measured::rate(row, bids as u64, cost)]);
    }
    let worker = if row == Row::Probe { bench.beside(&["probe"])? } else { bench.writer()? };
    // Its start, and the leases, are no part of it.
    bench.reached(begin + 1).await?;
    let (meter, first) = (Meter::start()?, bench.events().await?);
    let last = begin + bids as u64;
    bench.all_published(last).await?;
    let mut measured = Vec::new();
    if let Some(mut consumers) = consumers {
        consumers.reached(last).await?;
        measured.push(Measured::rate(row, last - first, meter.stop()?));
        let decided = meter.stop()?.took;
        consumers.told(&bench).await?;
        // Events gather for a second before anybody is told.
        let behind = meter.stop()?.took.saturating_sub(decided).as_secs_f64();
        measured.push(Measured::of(row, "told", "all are told so long after the last bid", behind, "s"));
        consumers.end()?;
    } else {
        measured.push(Measured::rate(row, last - first, meter.stop()?));
    }
    if row == Row::Probe {
        drop(worker);
    } else {
        worker.end()?;
        bench.all_accepted(bids).await?;
    }
    bench.stop().await?;
    Ok(measured)
}
