//! The same all the time: what a portal is like on an ordinary day.

use super::Scenario;
use crate::Failure;
use crate::run::arrivals::{ArrivalTimes, RateSegment};
use crate::run::mix::Mix;
use crate::run::options::LoadArgs;
use crate::run::plan::{BidderPool, Plan, PlannedAuction, lasting, popular};

pub(super) const STEADY: Scenario = Scenario {
    name: "steady",
    about: "The same rate all the time, on 200 auctions of which few are popular: bids high and low, right and wrong, \
            repeats, bids taken back, people who look.",
    plan,
    is_search: false,
};

/// Auctions, if nothing else is said.
const AUCTIONS: u32 = 200;

pub(super) fn plan(load: &LoadArgs, seed: u64) -> Result<Plan, Failure> {
    let offers = lasting(load.auctions.unwrap_or(AUCTIONS));
    of_crowd(load, seed, offers, Mix::of_bidders(), vec![RateSegment::even(load.seconds, load.rate)])
}

/// A crowd on auctions that outlive the run, at rates that change.
pub(super) fn of_crowd(
    load: &LoadArgs,
    seed: u64,
    offers: Vec<PlannedAuction>,
    mix: Mix,
    stretches: Vec<RateSegment>,
) -> Result<Plan, Failure> {
    let schedule = ArrivalTimes::new(load.arrivals, stretches);
    let seconds = schedule.seconds();
    let choice = popular(u32::try_from(offers.len())?, load.skew)?;
    let mix = load.mix.clone().unwrap_or(mix);
    let crowd = BidderPool::new(seed, mix, schedule, choice, (load.users, &offers));
    let (users, listeners) = (load.users, load.listeners.unwrap_or_default());
    Ok(Plan { users, offers, asks: Box::new(crowd), seconds, listeners, until_closed: false, burst: None })
}
