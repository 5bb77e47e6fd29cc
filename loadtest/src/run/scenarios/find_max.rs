//! Scenario `find-max`: searches the highest rate that the portal can sustain.

use super::{Scenario, steady};

pub(super) const FIND_MAX: Scenario = Scenario {
    name: "find-max",
    description: "The load of `steady` for --seconds at one rate after the other. Searches the highest rate at which 99 % \
                  of the outcomes arrive within --max-p99 (100 ms) and all requests are served. Checks each step.",
    plan: steady::plan,
    is_search: true,
};
