//! Scenario `real`: replays a recorded bidding history at its own relative pace.

use super::Scenario;
use crate::Failure;
use crate::run::mix::Operation;
use crate::run::options::LoadArgs;
use crate::run::plan::{Plan, PlannedAuction, PlannedRequest};
use serde::Deserialize;
use std::collections::HashMap;
use std::path::Path;

pub(super) const REAL: Scenario = Scenario {
    name: "real",
    description: "Replays a bidding history (--history): complete auctions with their bidders and amounts, all days \
                  compressed into --seconds at the recorded relative pace. The run ends when all auctions have a result.",
    plan,
};

/// Time between the end of an auction's history and the end of the auction, in milliseconds, so that delayed
/// bids are not too late.
const GRACE_MS: u64 = 1_000;

#[derive(Deserialize)]
struct Row {
    auction: String,
    days: f64,
    opening_bid: f64,
    bid: f64,
    day_offset: f64,
    bidder: String,
}

fn plan(load: &LoadArgs, _seed: u64) -> Result<Plan, Failure> {
    let file = load.history.as_deref().ok_or("the scenario real requires --history FILE.csv")?;
    let rows = read(file)?;
    // The longest auction takes the whole run.
    let days = rows.iter().map(|row| row.days.max(row.day_offset)).fold(f64::MIN_POSITIVE, f64::max);
    let second_per_day = load.seconds / days;
    let (mut users, mut auctions, mut planned_auctions) = (HashMap::new(), HashMap::new(), Vec::new());
    let mut requests = Vec::with_capacity(rows.len());
    for row in &rows {
        let next = u32::try_from(auctions.len())?;
        let auction = *auctions.entry(row.auction.as_str()).or_insert(next);
        if auction == next {
            let ends_after = (1000.0 * second_per_day * row.days) as u64 + GRACE_MS;
            planned_auctions.push(PlannedAuction {
                opening: cents(row.opening_bid)?,
                ends_after,
                promoted: false,
            });
        }
        let next = u32::try_from(users.len())?;
        let user = *users.entry(row.bidder.as_str()).or_insert(next);
        let due = (1e6 * second_per_day * row.day_offset).max(0.0) as u64;
        requests.push(PlannedRequest {
            due,
            operation: Operation::Bid,
            user,
            auction,
            amount: cents(row.bid)?,
            key: 0,
        });
    }
    requests.sort_by_key(|request| request.due);
    // Every request has an idempotency key, so that its command id and outcome are known exactly.
    (1..).zip(&mut requests).for_each(|(key, request)| request.key = key);
    Ok(Plan {
        users: u32::try_from(users.len())?,
        planned_auctions,
        requests: Box::new(requests.into_iter()),
        seconds: load.seconds,
        listeners: load.listeners.unwrap_or_default(),
        until_closed: true,
        burst: None,
    })
}

fn read(file: &Path) -> Result<Vec<Row>, Failure> {
    let with_path = |error: csv::Error| format!("{}: {error}", file.display());
    let mut reader = csv::Reader::from_path(file).map_err(with_path)?;
    let rows: Vec<Row> = reader.deserialize().collect::<Result<_, _>>().map_err(with_path)?;
    if rows.is_empty() {
        return Err(format!("{}: the file contains no bids", file.display()).into());
    }
    Ok(rows)
}

/// Converts an amount to minor units, at least one.
fn cents(amount: f64) -> Result<u64, Failure> {
    let cents = (100.0 * amount).round();
    match cents {
        0.0..=1e15 => Ok((cents as u64).max(1)),
        _ => Err(format!("invalid amount {amount}").into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        load: LoadArgs,
    }

    #[test]
    fn history_plan_keeps_order_and_pace() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(
            file.path(),
            "auction,item,days,opening_bid,closing_price,bid,day_offset,bidder\n\
             7,Watch,4,1.5,9,9,3.0,ada\n7,Watch,4,1.5,9,2,1.0,bob\n8,Pen,2,0,3,3,1.5,ada\n",
        )
        .unwrap();
        let history = file.path().to_str().unwrap();
        let load = Line::parse_from(["", "--seconds", "8", "--history", history]).load;
        let plan = plan(&load, 1).unwrap();
        assert_eq!((plan.users, plan.planned_auctions.len()), (2, 2));
        assert_eq!(
            plan.planned_auctions[0],
            PlannedAuction { opening: 150, ends_after: 8_000 + GRACE_MS, promoted: false }
        );
        assert_eq!(
            plan.planned_auctions[1],
            PlannedAuction { opening: 1, ends_after: 4_000 + GRACE_MS, promoted: false }
        );
        let requests: Vec<_> = plan
            .requests
            .map(|request| (request.due, request.user, request.auction, request.amount))
            .collect();
        assert_eq!(requests, [(2_000_000, 1, 0, 200), (3_000_000, 0, 1, 300), (6_000_000, 0, 0, 900)]);
    }
}
