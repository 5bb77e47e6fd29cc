//! Many auctions end at about the same time, and people bid on what ends next.

use super::Scenario;
use crate::Failure;
use crate::run::arrivals::{ArrivalTimes, RateSegment};
use crate::run::mix::{Mix, Operation};
use crate::run::options::LoadArgs;
use crate::run::plan::{AuctionSelector, BidderPool, Plan, PlannedAuction};

pub(super) const CLOSING_RUSH: Scenario = Scenario {
    name: "closing-rush",
    about: "Thousands of auctions (2000) end one after the other within --seconds, the rate doubles meanwhile, and \
            everybody bids on what ends within the next seconds. The run is over when all have their results.",
    plan,
    is_search: false,
};

/// Auctions, if nothing else is said.
const AUCTIONS: u32 = 2_000;

/// People bid on what ends within so many microseconds.
const SOON: u64 = 3_000_000;

/// The first auctions end after so much of the time.
const FIRST: f64 = 0.2;

fn plan(load: &LoadArgs, seed: u64) -> Result<Plan, Failure> {
    let auctions = load.auctions.unwrap_or(AUCTIONS).max(1);
    let ends_after = |n: u32| {
        let share = FIRST + (1.0 - FIRST) * f64::from(n + 1) / f64::from(auctions);
        (1000.0 * load.seconds * share) as u64
    };
    let offers: Vec<PlannedAuction> = (0..auctions)
        .map(|n| PlannedAuction { opening: 100, ends_after: ends_after(n), promoted: false })
        .collect();
    let rush = RateSegment { seconds: load.seconds, from: load.rate, to: 2.0 * load.rate };
    let ends = offers.iter().map(|offer| 1000 * offer.ends_after).collect();
    let mix = load.mix.clone().unwrap_or_else(|| {
        Mix::new(&[
            (Operation::Bid, 60),
            (Operation::Unwaited, 10),
            (Operation::Lower, 15),
            (Operation::Auction, 15),
        ])
    });
    let schedule = ArrivalTimes::new(load.arrivals, vec![rush]);
    let choice = AuctionSelector::EndingSoon { ends, window: SOON };
    let crowd = BidderPool::new(seed, mix, schedule, choice, (load.users, &offers));
    Ok(Plan {
        users: load.users,
        offers,
        asks: Box::new(crowd),
        seconds: load.seconds,
        listeners: load.listeners.unwrap_or_default(),
        until_closed: true,
        burst: None,
    })
}
