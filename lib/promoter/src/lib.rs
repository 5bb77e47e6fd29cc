#![doc = include_str!("../README.md")]
#![warn(missing_docs)]

mod deterministic_rng;
mod draw;
mod option;
mod seed;
mod settings;
mod spec;
mod weight;

pub use draw::{DrawContext, DrawResult, EligibleBid, ExclusionCounts, NoSelection, Selection};
pub use option::{
    PromoterOption, all, at_most, chance, every, never_the_leader, once_per_bidder, only_in_last, seeded,
    weigh_at_most, weigh_by,
};
pub use seed::Seed;
pub use settings::{OptionError, Settings};
pub use spec::{OptionSpec, WeightKind};
pub use weight::{Weight, by_age, by_amount, uniform};

/// Draws by settings that were found to make sense.
///
/// ```
/// use auction_promoter::{Promoter, at_most};
///
/// assert!(Promoter::new([]).is_ok(), "no option works");
/// assert!(Promoter::new([at_most(0)]).is_err(), "who promotes nobody needs no promoter");
/// ```
#[derive(Clone, Debug)]
pub struct Promoter {
    settings: Settings,
}

impl Promoter {
    /// Applies the options to the defaults, in order. The first that makes no sense stops it; so does what
    /// makes no sense together.
    pub fn new(options: impl IntoIterator<Item = PromoterOption>) -> Result<Promoter, OptionError> {
        let mut settings = Settings::default();
        for option in options {
            option.apply(&mut settings)?;
        }
        settings.check()?;
        Ok(Promoter { settings })
    }

    /// What the options came to.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Holds one draw: always the same choice for the same settings, seed and round.
    pub fn draw(&self, round: &DrawContext<'_>) -> DrawResult {
        draw::draw(&self.settings, round)
    }
}
