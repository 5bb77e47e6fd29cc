//! Options as data, for settings files, requests and stored events.

use crate::option::{self, PromoterOption};
use crate::settings::{INTERVAL_MS, PERMILLE};
use crate::weight;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Option that can be serialized. There is none for the seed, which does not belong into a settings file, and
/// none for functions.
///
/// In JSON: `{"interval_ms": 60000}`, `{"weigh_by": "amount"}`, `"exclude_leader"`. The aliases are the names
/// in data of earlier versions: they are accepted, and never written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OptionSpec {
    /// Interval in milliseconds: [`crate::interval`].
    #[serde(alias = "every_ms")]
    IntervalMs(u64),
    /// Weight with a name: [`crate::weigh_by`].
    WeighBy(WeightKind),
    /// Upper limit of weights: [`crate::max_weight`].
    #[serde(alias = "weigh_at_most")]
    MaxWeight(u64),
    /// Maximum number of doubled bids: [`crate::max_doublings`].
    #[serde(alias = "at_most")]
    MaxDoublings(u32),
    /// Window before the end in milliseconds: [`crate::only_in_last`].
    OnlyInLastMs(u64),
    /// Option without a value: [`crate::exclude_leader`].
    #[serde(alias = "never_the_leader")]
    ExcludeLeader,
    /// Option without a value: [`crate::once_per_bidder`].
    OncePerBidder,
    /// Probability in thousandths: [`crate::probability_permille`].
    #[serde(alias = "chance")]
    ProbabilityPermille(u16),
    /// List of options: [`crate::all`].
    All(Vec<OptionSpec>),
}

/// Weights that have a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WeightKind {
    /// The same weight for all bids: [`crate::uniform`].
    Uniform,
    /// Weight by amount: [`crate::by_amount`].
    Amount,
    /// Weight by age: [`crate::by_age`].
    Age,
}

/// Description of an [`OptionSpec`], from which schemas and documentation can be generated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OptionDescription {
    /// Name in serialized form, such as `interval_ms`.
    pub name: &'static str,
    /// Kind and limits of the value.
    pub value: OptionValue,
    /// One sentence for users of the option.
    pub description: &'static str,
}

/// Kind of value that a serialized option has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OptionValue {
    /// No value. The option is its name as a string: `"exclude_leader"`.
    Absent,
    /// Integer within limits: `{"interval_ms": 60000}`.
    Integer {
        /// Smallest value that is valid.
        minimum: u64,
        /// Largest value that is valid.
        maximum: u64,
    },
    /// One of these strings: `{"weigh_by": "amount"}`.
    Choice(&'static [&'static str]),
    /// List of options: `{"all": ["exclude_leader", "once_per_bidder"]}`.
    Options,
}

impl OptionSpec {
    /// Describes all options: one entry per variant of [`OptionSpec`].
    pub const DESCRIPTIONS: &'static [OptionDescription] = &[
        OptionDescription {
            name: "interval_ms",
            value: OptionValue::Integer { minimum: *INTERVAL_MS.start(), maximum: *INTERVAL_MS.end() },
            description: "Time between two draws of an auction, in milliseconds.",
        },
        OptionDescription {
            name: "weigh_by",
            value: OptionValue::Choice(&["uniform", "amount", "age"]),
            description: "Weight of a bid: the probability of a bid is proportional to its weight.",
        },
        OptionDescription {
            name: "max_weight",
            value: OptionValue::Integer { minimum: 1, maximum: u64::MAX },
            description: "Upper limit of the weights set by the options before this one.",
        },
        OptionDescription {
            name: "max_doublings",
            value: OptionValue::Integer { minimum: 1, maximum: u32::MAX as u64 },
            description: "Maximum number of doubled bids per auction.",
        },
        OptionDescription {
            name: "only_in_last_ms",
            value: OptionValue::Integer { minimum: *INTERVAL_MS.start(), maximum: *INTERVAL_MS.end() },
            description: "Bids are drawn only during this time before the end of the auction, in milliseconds. \
                          Not shorter than the interval.",
        },
        OptionDescription {
            name: "exclude_leader",
            value: OptionValue::Absent,
            description: "Excludes the bids of the leading bidder.",
        },
        OptionDescription {
            name: "once_per_bidder",
            value: OptionValue::Absent,
            description: "Excludes the bids of bidders who already had a bid doubled in the auction.",
        },
        OptionDescription {
            name: "probability_permille",
            value: OptionValue::Integer {
                minimum: *PERMILLE.start() as u64,
                maximum: *PERMILLE.end() as u64,
            },
            description: "Probability that an interval draws a bid at all, in thousandths.",
        },
        OptionDescription {
            name: "all",
            value: OptionValue::Options,
            description: "Several options as one, applied in order.",
        },
    ];
}

impl From<OptionSpec> for PromoterOption {
    fn from(spec: OptionSpec) -> PromoterOption {
        match spec {
            OptionSpec::IntervalMs(ms) => option::interval(Duration::from_millis(ms)),
            OptionSpec::WeighBy(WeightKind::Uniform) => option::weigh_by(weight::uniform),
            OptionSpec::WeighBy(WeightKind::Amount) => option::weigh_by(weight::by_amount),
            OptionSpec::WeighBy(WeightKind::Age) => option::weigh_by(weight::by_age),
            OptionSpec::MaxWeight(limit) => option::max_weight(limit),
            OptionSpec::MaxDoublings(limit) => option::max_doublings(limit),
            OptionSpec::OnlyInLastMs(ms) => option::only_in_last(Duration::from_millis(ms)),
            OptionSpec::ExcludeLeader => option::exclude_leader(),
            OptionSpec::OncePerBidder => option::once_per_bidder(),
            OptionSpec::ProbabilityPermille(permille) => option::probability_permille(permille),
            OptionSpec::All(specs) => option::all(specs.into_iter().map(PromoterOption::from)),
        }
    }
}
