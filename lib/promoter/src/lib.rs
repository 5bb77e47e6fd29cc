#![doc = include_str!("../README.md")]
#![warn(missing_docs)]

mod deterministic_rng;
mod draw;
mod option;
mod seed;
mod settings;
mod spec;
mod weight;

pub use draw::{CandidateBid, DrawContext, DrawResult, ExclusionCounts, NoBidReason, Selection};
pub use option::*;
pub use seed::Seed;
pub use settings::{OptionError, Settings};
pub use spec::{OptionDescription, OptionSpec, OptionValue, WeightKind};
pub use weight::{Weight, by_age, by_amount, uniform};

/// Holds draws with validated settings.
///
/// ```
/// use auction_promoter::{Promoter, max_doublings};
///
/// assert!(Promoter::new([]).is_ok(), "every setting has a default");
/// assert!(Promoter::new([max_doublings(0)]).is_err(), "the maximum must be at least 1");
/// ```
#[derive(Clone, Debug)]
pub struct Promoter {
    settings: Settings,
}

impl Promoter {
    /// Applies the options to the default settings, in order.
    ///
    /// # Errors
    ///
    /// The error of the first invalid option. If all options are valid on their own, the settings are checked
    /// in combination: [`OptionError::WindowShorterThanInterval`].
    pub fn new(options: impl IntoIterator<Item = PromoterOption>) -> Result<Promoter, OptionError> {
        let mut settings = Settings::default();
        for option in options {
            option.apply(&mut settings)?;
        }
        settings.check()?;
        Ok(Promoter { settings })
    }

    /// Returns the settings after all options.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Holds one draw. Deterministic: equal settings, seeds and contexts give equal results.
    pub fn draw(&self, context: &DrawContext<'_>) -> DrawResult {
        draw::draw(&self.settings, context)
    }
}
