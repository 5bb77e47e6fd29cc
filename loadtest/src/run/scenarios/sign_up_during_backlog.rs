//! Scenario `sign-up-during-backlog`: users sign up while the portal works off a backlog of bids.

use super::{Scenario, steady};
use crate::Failure;
use crate::run::arrivals::RateSegment;
use crate::run::mix::{Mix, Operation};
use crate::run::options::LoadArgs;
use crate::run::plan::{Plan, lasting};

pub(super) const SIGN_UP_DURING_BACKLOG: Scenario = Scenario {
    name: "sign-up-during-backlog",
    description: "Bids that do not wait for their outcome arrive at twenty times --rate and build a backlog, while users \
                  sign up. Creations use their own command stream and must not queue behind the bids.",
    plan,
    is_search: false,
};

const AUCTIONS: u32 = 200;

const RATE_FACTOR: f64 = 20.0;

fn plan(load: &LoadArgs, seed: u64) -> Result<Plan, Failure> {
    // Hashing a password costs as much as hundreds of bids.
    let mix = Mix::new(&[(Operation::BidAsync, 1_000), (Operation::SignUp, 1)]);
    let segments = vec![RateSegment::constant(load.seconds, RATE_FACTOR * load.rate)];
    steady::plan_of(load, seed, lasting(load.auctions.unwrap_or(AUCTIONS)), mix, segments)
}
