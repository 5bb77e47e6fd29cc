//! What really happened once, at its own relative pace, sped up.

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
    about: "A bidding history (--history), whole auctions with their real bidders and amounts, all days of it within \
            --seconds, its own pace kept. The run is over when all auctions have their results.",
    plan,
    is_search: false,
};

/// Auctions end so long after the last moment of their history, in milliseconds: bids that wait for a moment are not
/// too late.
const GRACE: u64 = 1_000;

/// One bid of the history.
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
    let file = load.history.as_deref().ok_or("the scenario real needs --history FILE.csv")?;
    let rows = read(file)?;
    // The longest auction takes all of the time.
    let days = rows.iter().map(|row| row.days.max(row.day_offset)).fold(f64::MIN_POSITIVE, f64::max);
    let second_per_day = load.seconds / days;
    let (mut users, mut auctions, mut offers) = (HashMap::new(), HashMap::new(), Vec::new());
    let mut asks = Vec::with_capacity(rows.len());
    for row in &rows {
        let next = u32::try_from(auctions.len())?;
        let auction = *auctions.entry(row.auction.as_str()).or_insert(next);
        if auction == next {
            let ends_after = (1000.0 * second_per_day * row.days) as u64 + GRACE;
            offers.push(PlannedAuction { opening: cents(row.opening_bid)?, ends_after, promoted: false });
        }
        let next = u32::try_from(users.len())?;
        let user = *users.entry(row.bidder.as_str()).or_insert(next);
        let due = (1e6 * second_per_day * row.day_offset).max(0.0) as u64;
        asks.push(PlannedRequest {
            due,
            what: Operation::Bid,
            user,
            auction,
            amount: cents(row.bid)?,
            key: 0,
        });
    }
    asks.sort_by_key(|ask| ask.due);
    // Each has a key, so that what became of it is known exactly.
    (1..).zip(&mut asks).for_each(|(key, ask)| ask.key = key);
    Ok(Plan {
        users: u32::try_from(users.len())?,
        offers,
        asks: Box::new(asks.into_iter()),
        seconds: load.seconds,
        listeners: load.listeners.unwrap_or_default(),
        until_closed: true,
        burst: None,
    })
}

fn read(file: &Path) -> Result<Vec<Row>, Failure> {
    let told = |error: csv::Error| format!("{}: {error}", file.display());
    let mut reader = csv::Reader::from_path(file).map_err(told)?;
    let rows: Vec<Row> = reader.deserialize().collect::<Result<_, _>>().map_err(told)?;
    if rows.is_empty() {
        return Err(format!("{}: there are no bids in it", file.display()).into());
    }
    Ok(rows)
}

/// An amount in whole minor units, at least one.
fn cents(amount: f64) -> Result<u64, Failure> {
    let cents = (100.0 * amount).round();
    match cents {
        0.0..=1e15 => Ok((cents as u64).max(1)),
        _ => Err(format!("{amount} is no amount").into()),
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
    fn a_history_keeps_its_order_and_its_pace() {
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
        assert_eq!((plan.users, plan.offers.len()), (2, 2));
        assert_eq!(
            plan.offers[0],
            PlannedAuction { opening: 150, ends_after: 8_000 + GRACE, promoted: false }
        );
        assert_eq!(plan.offers[1], PlannedAuction { opening: 1, ends_after: 4_000 + GRACE, promoted: false });
        let asks: Vec<_> = plan.asks.map(|ask| (ask.due, ask.user, ask.auction, ask.amount)).collect();
        assert_eq!(asks, [(2_000_000, 1, 0, 200), (3_000_000, 0, 1, 300), (6_000_000, 0, 0, 900)]);
    }
}
