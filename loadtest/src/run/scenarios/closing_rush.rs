//! Scenario `closing-rush`: many auctions end at about the same time, and users bid on those that end next.

use super::Scenario;
use crate::Failure;
use crate::run::arrivals::{ArrivalTimes, RateSegment};
use crate::run::mix::{Mix, Operation};
use crate::run::options::LoadArgs;
use crate::run::plan::{AuctionSelector, BidderPool, Plan, PlannedAuction};

pub(super) const CLOSING_RUSH: Scenario = Scenario {
    name: "closing-rush",
    description: "2000 auctions (--auctions) end one after the other within --seconds, and the rate doubles meanwhile. \
                  Users bid on auctions that end within the next 3 s. The run ends when all auctions have a result.",
    plan,
};

const AUCTIONS: u32 = 2_000;

/// Users bid on auctions that end within this time, in microseconds.
const BIDDING_WINDOW_US: u64 = 3_000_000;

/// Share of the run after which the first auctions end.
const FIRST_END: f64 = 0.2;

fn plan(load: &LoadArgs, seed: u64) -> Result<Plan, Failure> {
    let auctions = load.auctions.unwrap_or(AUCTIONS).max(1);
    let ends_after = |n: u32| {
        let share = FIRST_END + (1.0 - FIRST_END) * f64::from(n + 1) / f64::from(auctions);
        (1000.0 * load.seconds * share) as u64
    };
    let planned_auctions: Vec<PlannedAuction> = (0..auctions)
        .map(|n| PlannedAuction { opening: 100, ends_after: ends_after(n), promoted: false })
        .collect();
    let rush = RateSegment { seconds: load.seconds, from: load.rate, to: 2.0 * load.rate };
    let ends = planned_auctions.iter().map(|auction| 1000 * auction.ends_after).collect();
    let mix = Mix::new(&[
        (Operation::Bid, 60),
        (Operation::BidAsync, 10),
        (Operation::BidNotLeading, 15),
        (Operation::ReadAuction, 15),
    ])?;
    let mix = load.mix.clone().unwrap_or(mix);
    let arrival_times = ArrivalTimes::new(load.arrivals, vec![rush]);
    let auction_selector = AuctionSelector::EndingSoon { ends, window: BIDDING_WINDOW_US };
    let bidder_pool =
        BidderPool::new(seed, mix, arrival_times, auction_selector, (load.users, &planned_auctions));
    Ok(Plan {
        users: load.users,
        planned_auctions,
        requests: Box::new(bidder_pool),
        seconds: load.seconds,
        listeners: load.listeners.unwrap_or_default(),
        until_closed: true,
        burst: None,
    })
}
