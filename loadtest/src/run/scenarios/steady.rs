//! Scenario `steady`: a constant rate, as on an ordinary day.

use super::Scenario;
use crate::Failure;
use crate::run::arrivals::{ArrivalTimes, RateSegment};
use crate::run::mix::Mix;
use crate::run::options::LoadArgs;
use crate::run::plan::{BidderPool, Plan, PlannedAuction, lasting, popular};

pub(super) const STEADY: Scenario = Scenario {
    name: "steady",
    description: "A constant rate on 200 auctions, a few of them popular: leading and lower bids, valid and invalid \
                  requests, repeated and deleted bids, and reads.",
    plan,
    is_search: false,
};

const AUCTIONS: u32 = 200;

pub(super) fn plan(load: &LoadArgs, seed: u64) -> Result<Plan, Failure> {
    let planned_auctions = lasting(load.auctions.unwrap_or(AUCTIONS));
    plan_of(
        load,
        seed,
        planned_auctions,
        Mix::bidding(),
        vec![RateSegment::constant(load.seconds, load.rate)],
    )
}

/// Plans a load by a pool of bidders on the given auctions, at the rates of the segments.
pub(super) fn plan_of(
    load: &LoadArgs,
    seed: u64,
    planned_auctions: Vec<PlannedAuction>,
    mix: Mix,
    segments: Vec<RateSegment>,
) -> Result<Plan, Failure> {
    let arrival_times = ArrivalTimes::new(load.arrivals, segments);
    let seconds = arrival_times.seconds();
    let auction_selector = popular(u32::try_from(planned_auctions.len())?, load.zipf_exponent)?;
    let mix = load.mix.clone().unwrap_or(mix);
    let bidder_pool =
        BidderPool::new(seed, mix, arrival_times, auction_selector, (load.users, &planned_auctions));
    let (users, listeners) = (load.users, load.listeners.unwrap_or_default());
    Ok(Plan {
        users,
        planned_auctions,
        requests: Box::new(bidder_pool),
        seconds,
        listeners,
        until_closed: false,
        burst: None,
    })
}
