//! Suddenly there is ten times as much to do.

use super::{Scenario, steady};
use crate::Failure;
use crate::run::arrivals::RateSegment;
use crate::run::mix::Mix;
use crate::run::options::LoadArgs;
use crate::run::plan::{Plan, lasting};

pub(super) const BURST: Scenario = Scenario {
    name: "burst",
    about: "The load of `steady`, ten times as much for 5 s after a third of the time, and then how long it takes until \
            everything is as it was before.",
    plan,
    is_search: false,
};

const AUCTIONS: u32 = 200;

/// How long it lasts, in seconds, and how many times the usual it is.
const LASTS: f64 = 5.0;
const TIMES: f64 = 10.0;

fn plan(load: &LoadArgs, seed: u64) -> Result<Plan, Failure> {
    let before = load.seconds / 3.0;
    let after = load.seconds - before - LASTS;
    if after < LASTS {
        return Err(format!("--seconds {}: a burst of {LASTS} s needs at least 15", load.seconds).into());
    }
    let stretches = vec![
        RateSegment::even(before, load.rate),
        RateSegment::even(LASTS, TIMES * load.rate),
        RateSegment::even(after, load.rate),
    ];
    let offers = lasting(load.auctions.unwrap_or(AUCTIONS));
    let plan = steady::of_crowd(load, seed, offers, Mix::of_bidders(), stretches)?;
    Ok(Plan { burst: Some((before, before + LASTS)), ..plan })
}
