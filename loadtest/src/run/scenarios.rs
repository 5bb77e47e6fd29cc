//! Named scenarios: one file for each, listed in [`ALL`].

mod burst;
mod closing_rush;
mod find_max;
mod hot_auction;
mod live_listeners;
mod read_mostly;
mod real;
mod sign_up_during_backlog;
mod steady;

use crate::Failure;
use crate::run::options::LoadArgs;
use crate::run::plan::Plan;

pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    pub(crate) description: &'static str,
    /// Plans the requests; the second argument is the seed.
    pub(crate) plan: fn(&LoadArgs, u64) -> Result<Plan, Failure>,
    /// Whether the scenario is repeated at several rates to find the highest sustainable one.
    pub(crate) is_search: bool,
}

pub(crate) const ALL: [&Scenario; 9] = [
    &steady::STEADY,
    &hot_auction::HOT_AUCTION,
    &closing_rush::CLOSING_RUSH,
    &burst::BURST,
    &sign_up_during_backlog::SIGN_UP_DURING_BACKLOG,
    &read_mostly::READ_MOSTLY,
    &live_listeners::LIVE_LISTENERS,
    &real::REAL,
    &find_max::FIND_MAX,
];

pub(crate) fn find(name: &str) -> Result<&'static Scenario, Failure> {
    let names = || ALL.map(|scenario| scenario.name).join(", ");
    let found = ALL.into_iter().find(|scenario| scenario.name == name);
    Ok(found.ok_or_else(|| format!("unknown scenario {name:?}; scenarios: {}", names()))?)
}
