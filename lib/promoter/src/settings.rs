//! Settings that result from the options.

use crate::weight::{Weight, uniform};
use crate::{CandidateBid, DrawContext, Seed};
use std::fmt;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;
use thiserror::Error;

/// Valid intervals and windows, in milliseconds: 100 ms to 31 days.
pub(crate) const INTERVAL_MS: RangeInclusive<u64> = 100..=31 * 24 * 60 * 60 * 1000;
/// Valid probabilities, in thousandths.
pub(crate) const PERMILLE: RangeInclusive<u16> = 1..=1000;

/// Reasons an option is invalid, on its own or in combination with others.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum OptionError {
    /// The interval is too short or too long.
    #[error("an interval must be from 100 ms to 31 days, not {} ms", .0.as_millis())]
    Interval(Duration),
    /// The maximum number of doublings is zero.
    #[error("max_doublings must be at least 1; to double no bid, create the auction without promotion")]
    MaxDoublingsZero,
    /// The window before the end is too short or too long.
    #[error("only_in_last must be from 100 ms to 31 days, not {} ms", .0.as_millis())]
    Window(Duration),
    /// The window before the end is shorter than the interval, so that it might contain no draw.
    #[error(
        "only_in_last ({} ms) must not be shorter than the interval ({} ms): the window might contain no draw",
        window.as_millis(), interval.as_millis()
    )]
    WindowShorterThanInterval {
        /// Length of the window before the end of the auction.
        window: Duration,
        /// Time between two draws.
        interval: Duration,
    },
    /// The probability is zero or above 1,000 thousandths.
    #[error("probability_permille must be from 1 to 1000, not {0}")]
    Probability(u16),
    /// The maximum weight is zero, so that no bid could be drawn.
    #[error("max_weight must be at least 1: a bid of weight 0 is never drawn")]
    MaxWeightZero,
    /// Error of a custom option.
    #[error("{0}")]
    Other(String),
}

/// Settings of a [`crate::Promoter`]. Custom options change them ([`crate::PromoterOption::new`]).
#[derive(Clone)]
pub struct Settings {
    interval: Duration,
    weight: Weight,
    max_doublings: Option<u32>,
    only_in_last: Option<Duration>,
    exclude_leader: bool,
    once_per_bidder: bool,
    probability_permille: u16,
    seed: Seed,
}

impl Default for Settings {
    /// Returns one draw every ten minutes among all bids, with equal weights and without a limit.
    fn default() -> Settings {
        Settings {
            interval: Duration::from_secs(600),
            weight: Arc::new(uniform),
            max_doublings: None,
            only_in_last: None,
            exclude_leader: false,
            once_per_bidder: false,
            probability_permille: *PERMILLE.end(),
            seed: Seed([0; 32]),
        }
    }
}

/// Leaves out the seed, which is a secret, and the weight, which is a function.
impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("interval", &self.interval)
            .field("max_doublings", &self.max_doublings)
            .field("only_in_last", &self.only_in_last)
            .field("exclude_leader", &self.exclude_leader)
            .field("once_per_bidder", &self.once_per_bidder)
            .field("probability_permille", &self.probability_permille)
            .finish_non_exhaustive()
    }
}

impl Settings {
    /// Returns the time between two draws of an auction.
    pub fn interval(&self) -> Duration {
        self.interval
    }

    /// Returns the weight function. A custom option can wrap it in another one.
    pub fn weight(&self) -> Weight {
        Arc::clone(&self.weight)
    }

    /// Returns the maximum number of doubled bids per auction; `None` without a limit.
    pub fn max_doublings(&self) -> Option<u32> {
        self.max_doublings
    }

    /// Returns the time before the end during which bids are drawn; `None` for the whole auction.
    pub fn only_in_last(&self) -> Option<Duration> {
        self.only_in_last
    }

    /// Whether bids of the leading bidder are excluded.
    pub fn exclude_leader(&self) -> bool {
        self.exclude_leader
    }

    /// Whether bids of bidders who already had a bid doubled are excluded.
    pub fn once_per_bidder(&self) -> bool {
        self.once_per_bidder
    }

    /// Returns the probability that an interval draws a bid at all, in thousandths.
    pub fn probability_permille(&self) -> u16 {
        self.probability_permille
    }

    pub(crate) fn seed(&self) -> &Seed {
        &self.seed
    }

    /// Sets what [`crate::interval`] describes.
    pub fn set_interval(&mut self, interval: Duration) -> Result<(), OptionError> {
        if !is_valid_interval(interval) {
            return Err(OptionError::Interval(interval));
        }
        self.interval = interval;
        Ok(())
    }

    /// Sets what [`crate::weigh_by`] describes.
    pub fn set_weight(
        &mut self,
        weight: impl Fn(&CandidateBid, &DrawContext<'_>) -> u64 + Send + Sync + 'static,
    ) {
        self.weight = Arc::new(weight);
    }

    /// Sets what [`crate::max_doublings`] describes.
    pub fn set_max_doublings(&mut self, limit: u32) -> Result<(), OptionError> {
        if limit == 0 {
            return Err(OptionError::MaxDoublingsZero);
        }
        self.max_doublings = Some(limit);
        Ok(())
    }

    /// Sets what [`crate::only_in_last`] describes.
    pub fn set_only_in_last(&mut self, window: Duration) -> Result<(), OptionError> {
        if !is_valid_interval(window) {
            return Err(OptionError::Window(window));
        }
        self.only_in_last = Some(window);
        Ok(())
    }

    /// Sets what [`crate::exclude_leader`] describes.
    pub fn set_exclude_leader(&mut self) {
        self.exclude_leader = true;
    }

    /// Sets what [`crate::once_per_bidder`] describes.
    pub fn set_once_per_bidder(&mut self) {
        self.once_per_bidder = true;
    }

    /// Sets what [`crate::probability_permille`] describes.
    pub fn set_probability_permille(&mut self, permille: u16) -> Result<(), OptionError> {
        if !PERMILLE.contains(&permille) {
            return Err(OptionError::Probability(permille));
        }
        self.probability_permille = permille;
        Ok(())
    }

    /// Sets what [`crate::seeded`] describes.
    pub fn set_seed(&mut self, seed: Seed) {
        self.seed = seed;
    }

    /// Checks settings that depend on each other, after all options are applied.
    pub(crate) fn check(&self) -> Result<(), OptionError> {
        match self.only_in_last {
            Some(window) if window < self.interval => {
                Err(OptionError::WindowShorterThanInterval { window, interval: self.interval })
            }
            _ => Ok(()),
        }
    }
}

fn is_valid_interval(duration: Duration) -> bool {
    let limit = |ms: &u64| Duration::from_millis(*ms);
    (limit(INTERVAL_MS.start())..=limit(INTERVAL_MS.end())).contains(&duration)
}
