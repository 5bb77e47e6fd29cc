//! Scenario `live-listeners`: many connections receive live updates.

use super::{Scenario, steady};
use crate::Failure;
use crate::run::arrivals::RateSegment;
use crate::run::mix::Mix;
use crate::run::options::LoadArgs;
use crate::run::plan::{Plan, lasting};

pub(super) const LIVE_LISTENERS: Scenario = Scenario {
    name: "live-listeners",
    description: "The load of `steady` on 50 auctions, and 1000 connections (--listeners) that receive every event live. \
                  Checks that events arrive in order and without gaps, and measures their delay.",
    plan,
    is_search: false,
};

const AUCTIONS: u32 = 50;

const LISTENERS: u32 = 1_000;

fn plan(load: &LoadArgs, seed: u64) -> Result<Plan, Failure> {
    let segments = vec![RateSegment::constant(load.seconds, load.rate)];
    let planned_auctions = lasting(load.auctions.unwrap_or(AUCTIONS));
    let plan = steady::plan_of(load, seed, planned_auctions, Mix::bidding(), segments)?;
    Ok(Plan { listeners: load.listeners.unwrap_or(LISTENERS), ..plan })
}
