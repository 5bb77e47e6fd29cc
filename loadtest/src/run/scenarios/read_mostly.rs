//! Most people only look.

use super::{Scenario, steady};
use crate::Failure;
use crate::run::arrivals::RateSegment;
use crate::run::mix::{Mix, Operation};
use crate::run::options::LoadArgs;
use crate::run::plan::{Plan, lasting};

pub(super) const READ_MOSTLY: Scenario = Scenario {
    name: "read-mostly",
    about: "Of a hundred requests ninety look at auctions, at their bids, and at what ends soon; ten are bids.",
    plan,
    is_search: false,
};

const AUCTIONS: u32 = 1_000;

fn plan(load: &LoadArgs, seed: u64) -> Result<Plan, Failure> {
    let mix = Mix::new(&[
        (Operation::Auction, 70),
        (Operation::Bids, 12),
        (Operation::List, 8),
        (Operation::Bid, 8),
        (Operation::Lower, 2),
    ]);
    let stretches = vec![RateSegment::even(load.seconds, load.rate)];
    steady::of_crowd(load, seed, lasting(load.auctions.unwrap_or(AUCTIONS)), mix, stretches)
}
