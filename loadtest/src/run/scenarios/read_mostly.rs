//! Most people only look.

use super::{Scenario, steady};
use crate::Failure;
use crate::run::arrivals::Stretch;
use crate::run::mix::{Mix, What};
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
    let mix =
        Mix::new(&[(What::Auction, 70), (What::Bids, 12), (What::List, 8), (What::Bid, 8), (What::Lower, 2)]);
    let stretches = vec![Stretch::even(load.seconds, load.rate)];
    steady::of_crowd(load, seed, lasting(load.auctions.unwrap_or(AUCTIONS)), mix, stretches)
}
