//! Everybody wants the same thing.

use super::{Scenario, steady};
use crate::Failure;
use crate::run::arrivals::RateSegment;
use crate::run::mix::Mix;
use crate::run::options::LoadArgs;
use crate::run::plan::{Plan, lasting};

pub(super) const HOT_AUCTION: Scenario = Scenario {
    name: "hot-auction",
    about: "The load of `steady` on one auction: one partition decides all of it, in order, and its standing grows.",
    plan,
    is_search: false,
};

fn plan(load: &LoadArgs, seed: u64) -> Result<Plan, Failure> {
    let offers = lasting(load.auctions.unwrap_or(1));
    let stretches = vec![RateSegment::even(load.seconds, load.rate)];
    steady::of_crowd(load, seed, offers, Mix::of_bidders(), stretches)
}
