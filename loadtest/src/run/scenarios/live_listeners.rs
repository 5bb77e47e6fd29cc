//! Many watch live what few do.

use super::{Scenario, steady};
use crate::Failure;
use crate::run::arrivals::RateSegment;
use crate::run::mix::Mix;
use crate::run::options::LoadArgs;
use crate::run::plan::{Plan, lasting};

pub(super) const LIVE_LISTENERS: Scenario = Scenario {
    name: "live-listeners",
    about: "The load of `steady` on 50 auctions, and a thousand connections (--listeners) that are told every event as \
            it happens: in order, without a hole, and how long after it.",
    plan,
    is_search: false,
};

const AUCTIONS: u32 = 50;

const LISTENERS: u32 = 1_000;

fn plan(load: &LoadArgs, seed: u64) -> Result<Plan, Failure> {
    let stretches = vec![RateSegment::even(load.seconds, load.rate)];
    let offers = lasting(load.auctions.unwrap_or(AUCTIONS));
    let plan = steady::of_crowd(load, seed, offers, Mix::of_bidders(), stretches)?;
    Ok(Plan { listeners: load.listeners.unwrap_or(LISTENERS), ..plan })
}
