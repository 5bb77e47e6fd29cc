//! What the options come to.

use crate::weight::{Weight, uniform};
use crate::{DrawContext, EligibleBid, Seed};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use thiserror::Error;

const SHORTEST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(31 * 24 * 60 * 60);
const OUT_OF: u16 = 1000;

/// Why an option makes no sense, by itself or with the others.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum OptionError {
    /// Draws without a pause, or never.
    #[error("an interval must be from {} ms to {} days, not {} ms", SHORTEST.as_millis(), LONGEST.as_secs() / 86_400, .0.as_millis())]
    Interval(Duration),
    /// Nobody would ever be promoted.
    #[error("at_most must be at least 1: leave promotion out where nobody is to be promoted")]
    AtMostNone,
    /// A window that is never open, or longer than any auction.
    #[error("only_in_last must be from {} ms to {} days, not {} ms", SHORTEST.as_millis(), LONGEST.as_secs() / 86_400, .0.as_millis())]
    Window(Duration),
    /// An auction could go by without a single draw in the window.
    #[error(
        "only_in_last ({} ms) is shorter than an interval ({} ms): there could be no draw in it at all",
        window.as_millis(), every.as_millis()
    )]
    WindowShorterThanInterval {
        /// How long before the end the window opens.
        window: Duration,
        /// How long an interval is.
        every: Duration,
    },
    /// Never, or more often than always.
    #[error("chance must be from 1 to {OUT_OF}, out of {OUT_OF}, not {0}")]
    Chance(u16),
    /// Every bid would weigh nothing.
    #[error("weigh_at_most must be at least 1: a bid of weight 0 is never drawn")]
    WeightNone,
    /// Why an option that somebody else wrote makes no sense.
    #[error("{0}")]
    Other(String),
}

/// What the options came to. Options of one's own change them ([`crate::PromoterOption::new`]).
#[derive(Clone)]
pub struct Settings {
    every: Duration,
    weight: Weight,
    at_most: Option<u32>,
    only_in_last: Option<Duration>,
    never_the_leader: bool,
    once_per_bidder: bool,
    chance: u16,
    seed: Seed,
}

impl Default for Settings {
    /// A draw every ten minutes, all bids alike, whoever they are from, without limit.
    fn default() -> Settings {
        Settings {
            every: Duration::from_secs(600),
            weight: Arc::new(uniform),
            at_most: None,
            only_in_last: None,
            never_the_leader: false,
            once_per_bidder: false,
            chance: OUT_OF,
            seed: Seed([0; 32]),
        }
    }
}

/// Without the seed, which is a secret, and the weight, which is a function.
impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("every", &self.every)
            .field("at_most", &self.at_most)
            .field("only_in_last", &self.only_in_last)
            .field("never_the_leader", &self.never_the_leader)
            .field("once_per_bidder", &self.once_per_bidder)
            .field("chance", &self.chance)
            .finish_non_exhaustive()
    }
}

impl Settings {
    /// How long an interval is.
    pub fn every(&self) -> Duration {
        self.every
    }

    /// How likely a bid is drawn; to call, or to wrap.
    pub fn weight(&self) -> Weight {
        Arc::clone(&self.weight)
    }

    /// How many promotions one auction has at most.
    pub fn at_most(&self) -> Option<u32> {
        self.at_most
    }

    /// How long before the end draws begin.
    pub fn only_in_last(&self) -> Option<Duration> {
        self.only_in_last
    }

    /// Whether bids of whoever leads are left out.
    pub fn never_the_leader(&self) -> bool {
        self.never_the_leader
    }

    /// Whether bidders who were promoted are left out.
    pub fn once_per_bidder(&self) -> bool {
        self.once_per_bidder
    }

    /// In how many of 1,000 intervals somebody is drawn.
    pub fn chance(&self) -> u16 {
        self.chance
    }

    pub(crate) fn seed(&self) -> &Seed {
        &self.seed
    }

    /// See [`crate::every`].
    pub fn set_every(&mut self, every: Duration) -> Result<(), OptionError> {
        if !(SHORTEST..=LONGEST).contains(&every) {
            return Err(OptionError::Interval(every));
        }
        self.every = every;
        Ok(())
    }

    /// See [`crate::weigh_by`].
    pub fn set_weight(
        &mut self,
        weight: impl Fn(&EligibleBid, &DrawContext<'_>) -> u64 + Send + Sync + 'static,
    ) {
        self.weight = Arc::new(weight);
    }

    /// See [`crate::at_most`].
    pub fn set_at_most(&mut self, promotions: u32) -> Result<(), OptionError> {
        if promotions == 0 {
            return Err(OptionError::AtMostNone);
        }
        self.at_most = Some(promotions);
        Ok(())
    }

    /// See [`crate::only_in_last`].
    pub fn set_only_in_last(&mut self, window: Duration) -> Result<(), OptionError> {
        if !(SHORTEST..=LONGEST).contains(&window) {
            return Err(OptionError::Window(window));
        }
        self.only_in_last = Some(window);
        Ok(())
    }

    /// See [`crate::never_the_leader`].
    pub fn set_never_the_leader(&mut self) {
        self.never_the_leader = true;
    }

    /// See [`crate::once_per_bidder`].
    pub fn set_once_per_bidder(&mut self) {
        self.once_per_bidder = true;
    }

    /// See [`crate::chance`].
    pub fn set_chance(&mut self, out_of_1000: u16) -> Result<(), OptionError> {
        if !(1..=OUT_OF).contains(&out_of_1000) {
            return Err(OptionError::Chance(out_of_1000));
        }
        self.chance = out_of_1000;
        Ok(())
    }

    /// See [`crate::seeded`].
    pub fn set_seed(&mut self, seed: Seed) {
        self.seed = seed;
    }

    /// Whether all of it makes sense together, in whatever order it was set.
    pub(crate) fn check(&self) -> Result<(), OptionError> {
        match self.only_in_last {
            Some(window) if window < self.every => {
                Err(OptionError::WindowShorterThanInterval { window, every: self.every })
            }
            _ => Ok(()),
        }
    }
}
