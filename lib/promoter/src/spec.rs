//! Options as data.

use crate::option::{self, PromoterOption};
use crate::weight;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// An option that can be written down and read back. There is none for the seed, which belongs into no
/// settings file, and none for functions.
///
/// In JSON: `{"every_ms": 60000}`, `{"weigh_by": "amount"}`, `"never_the_leader"`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OptionSpec {
    /// [`crate::every`], in milliseconds.
    EveryMs(u64),
    /// [`crate::weigh_by`].
    WeighBy(WeightKind),
    /// [`crate::weigh_at_most`].
    WeighAtMost(u64),
    /// [`crate::at_most`].
    AtMost(u32),
    /// [`crate::only_in_last`], in milliseconds.
    OnlyInLastMs(u64),
    /// [`crate::never_the_leader`].
    NeverTheLeader,
    /// [`crate::once_per_bidder`].
    OncePerBidder,
    /// [`crate::chance`].
    Chance(u16),
    /// [`crate::all`].
    All(Vec<OptionSpec>),
}

/// The weights that have a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WeightKind {
    /// [`crate::uniform`].
    Uniform,
    /// [`crate::by_amount`].
    Amount,
    /// [`crate::by_age`].
    Age,
}

impl From<OptionSpec> for PromoterOption {
    fn from(spec: OptionSpec) -> PromoterOption {
        match spec {
            OptionSpec::EveryMs(ms) => option::every(Duration::from_millis(ms)),
            OptionSpec::WeighBy(WeightKind::Uniform) => option::weigh_by(weight::uniform),
            OptionSpec::WeighBy(WeightKind::Amount) => option::weigh_by(weight::by_amount),
            OptionSpec::WeighBy(WeightKind::Age) => option::weigh_by(weight::by_age),
            OptionSpec::WeighAtMost(most) => option::weigh_at_most(most),
            OptionSpec::AtMost(promotions) => option::at_most(promotions),
            OptionSpec::OnlyInLastMs(ms) => option::only_in_last(Duration::from_millis(ms)),
            OptionSpec::NeverTheLeader => option::never_the_leader(),
            OptionSpec::OncePerBidder => option::once_per_bidder(),
            OptionSpec::Chance(out_of_1000) => option::chance(out_of_1000),
            OptionSpec::All(specs) => option::all(specs.into_iter().map(PromoterOption::from)),
        }
    }
}
