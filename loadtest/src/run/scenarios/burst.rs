//! Scenario `burst`: ten times the usual rate for five seconds.

use super::{Scenario, steady};
use crate::Failure;
use crate::run::arrivals::RateSegment;
use crate::run::mix::Mix;
use crate::run::options::LoadArgs;
use crate::run::plan::{Plan, lasting};

pub(super) const BURST: Scenario = Scenario {
    name: "burst",
    description: "The load of `steady`; after a third of the time the rate is ten times as high for 5 s. Reports how long \
                  it takes until p99 is at most twice its value before the burst.",
    plan,
    is_search: false,
};

const AUCTIONS: u32 = 200;

/// Duration of the burst in seconds, and its rate as a multiple of `--rate`.
const BURST_SECONDS: f64 = 5.0;
const RATE_FACTOR: f64 = 10.0;

fn plan(load: &LoadArgs, seed: u64) -> Result<Plan, Failure> {
    let before = load.seconds / 3.0;
    let after = load.seconds - before - BURST_SECONDS;
    if after < BURST_SECONDS {
        return Err(
            format!("--seconds {}: the scenario burst needs at least 15 seconds", load.seconds).into()
        );
    }
    let segments = vec![
        RateSegment::constant(before, load.rate),
        RateSegment::constant(BURST_SECONDS, RATE_FACTOR * load.rate),
        RateSegment::constant(after, load.rate),
    ];
    let planned_auctions = lasting(load.auctions.unwrap_or(AUCTIONS));
    let plan = steady::plan_of(load, seed, planned_auctions, Mix::bidding(), segments)?;
    Ok(Plan { burst: Some((before, before + BURST_SECONDS)), ..plan })
}
