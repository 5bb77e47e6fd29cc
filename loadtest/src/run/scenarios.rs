//! The loads that have a name. Each is a file, and a line here.

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

/// A load with a name.
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    /// What it is good for, in a sentence or two.
    pub(crate) about: &'static str,
    /// What is asked; the second is the seed.
    pub(crate) plan: fn(&LoadArgs, u64) -> Result<Plan, Failure>,
    /// Whether it is put on again and again, at rates that are searched for.
    pub(crate) is_search: bool,
}

/// All of them.
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

/// By name.
pub(crate) fn find(name: &str) -> Result<&'static Scenario, Failure> {
    let names = || ALL.map(|scenario| scenario.name).join(", ");
    let found = ALL.into_iter().find(|scenario| scenario.name == name);
    Ok(found.ok_or_else(|| format!("there is no scenario {name:?}; there are {}", names()))?)
}
