//! How much the portal can take.

use super::{Scenario, steady};

pub(super) const FIND_MAX: Scenario = Scenario {
    name: "find-max",
    about: "The load of `steady` for --seconds at a rate, then at another one, until the highest is found at which 99 % \
            of the outcomes come within --p99-under (100 ms). Each step is judged.",
    plan: steady::plan,
    is_search: true,
};
