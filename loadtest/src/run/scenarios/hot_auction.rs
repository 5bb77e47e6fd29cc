//! Scenario `hot-auction`: all users bid on one auction.

use super::{Scenario, steady};
use crate::Failure;
use crate::run::arrivals::RateSegment;
use crate::run::mix::Mix;
use crate::run::options::LoadArgs;
use crate::run::plan::{Plan, lasting};

pub(super) const HOT_AUCTION: Scenario = Scenario {
    name: "hot-auction",
    description: "The load of `steady` on one auction: one partition decides all commands in order, and the ranking of the \
                  auction grows.",
    plan,
    is_search: false,
};

fn plan(load: &LoadArgs, seed: u64) -> Result<Plan, Failure> {
    let planned_auctions = lasting(load.auctions.unwrap_or(1));
    let segments = vec![RateSegment::constant(load.seconds, load.rate)];
    steady::plan_of(load, seed, planned_auctions, Mix::bidding(), segments)
}
