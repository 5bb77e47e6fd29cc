//! People open accounts while a backlog of bids is decided.

use super::{Scenario, steady};
use crate::Failure;
use crate::run::arrivals::RateSegment;
use crate::run::mix::{Mix, Operation};
use crate::run::options::LoadArgs;
use crate::run::plan::{Plan, lasting};

pub(super) const SIGN_UP_DURING_BACKLOG: Scenario = Scenario {
    name: "sign-up-during-backlog",
    about: "Bids whose senders do not wait come twenty times as often as --rate says, so that they pile up, and \
            meanwhile people open accounts: creations go by a channel of their own, and must not wait behind bids.",
    plan,
    is_search: false,
};

const AUCTIONS: u32 = 200;

const TIMES: f64 = 20.0;

fn plan(load: &LoadArgs, seed: u64) -> Result<Plan, Failure> {
    // Hashing a password costs as much as hundreds of bids.
    let mix = Mix::new(&[(Operation::Unwaited, 1_000), (Operation::SignUp, 1)]);
    let stretches = vec![RateSegment::even(load.seconds, TIMES * load.rate)];
    steady::of_crowd(load, seed, lasting(load.auctions.unwrap_or(AUCTIONS)), mix, stretches)
}
