//! Scenario `read-mostly`: nine of ten requests are reads.

use super::{Scenario, steady};
use crate::Failure;
use crate::run::arrivals::RateSegment;
use crate::run::mix::{Mix, Operation};
use crate::run::options::LoadArgs;
use crate::run::plan::{Plan, lasting};

pub(super) const READ_MOSTLY: Scenario = Scenario {
    name: "read-mostly",
    description: "90 % of the requests read auctions, bids, and the list of auctions that end soon; 10 % are bids.",
    plan,
    is_search: false,
};

const AUCTIONS: u32 = 1_000;

fn plan(load: &LoadArgs, seed: u64) -> Result<Plan, Failure> {
    let mix = Mix::new(&[
        (Operation::ReadAuction, 70),
        (Operation::ReadBids, 12),
        (Operation::ReadList, 8),
        (Operation::Bid, 8),
        (Operation::BidNotLeading, 2),
    ]);
    let segments = vec![RateSegment::constant(load.seconds, load.rate)];
    steady::plan_of(load, seed, lasting(load.auctions.unwrap_or(AUCTIONS)), mix, segments)
}
