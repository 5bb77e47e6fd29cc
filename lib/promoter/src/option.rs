//! Functional options of a promoter.

use crate::settings::{OptionError, Settings};
use crate::{CandidateBid, DrawContext, Seed};
use std::fmt;
use std::time::Duration;

type OptionFn = dyn FnOnce(&mut Settings) -> Result<(), OptionError> + Send;

/// Option of [`crate::Promoter::new`]: a function that changes the settings or fails.
pub struct PromoterOption(Box<OptionFn>);

impl PromoterOption {
    /// Makes a custom option. The function receives the settings as the options before it left them.
    pub fn new(
        change: impl FnOnce(&mut Settings) -> Result<(), OptionError> + Send + 'static,
    ) -> PromoterOption {
        PromoterOption(Box::new(change))
    }

    pub(crate) fn apply(self, settings: &mut Settings) -> Result<(), OptionError> {
        self.0(settings)
    }
}

impl fmt::Debug for PromoterOption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PromoterOption(..)")
    }
}

/// Sets the time between two draws of an auction, from 100 ms to 31 days.
pub fn interval(interval: Duration) -> PromoterOption {
    PromoterOption::new(move |settings| settings.set_interval(interval))
}

/// Sets the weight of bids: [`crate::uniform`], [`crate::by_amount`], [`crate::by_age`] or any function of a
/// bid and its context. The probability of a bid is proportional to its weight; weight zero excludes a bid.
///
/// The function must be deterministic, or draws cannot be verified.
///
/// ```
/// use auction_promoter::{Promoter, weigh_by};
///
/// // Only amounts without cents.
/// let promoter = Promoter::new([weigh_by(|bid, _| u64::from(bid.amount % 100 == 0))]);
/// assert!(promoter.is_ok());
/// ```
pub fn weigh_by(
    weight: impl Fn(&CandidateBid, &DrawContext<'_>) -> u64 + Send + Sync + 'static,
) -> PromoterOption {
    PromoterOption::new(move |settings| {
        settings.set_weight(weight);
        Ok(())
    })
}

/// Limits the weight that the options before this one set. With [`crate::by_amount`] alone, one very high bid
/// would be drawn nearly always. The limit is at least 1.
pub fn max_weight(limit: u64) -> PromoterOption {
    PromoterOption::new(move |settings| {
        if limit == 0 {
            return Err(OptionError::MaxWeightZero);
        }
        let unlimited = settings.weight();
        settings.set_weight(move |bid, context| unlimited(bid, context).min(limit));
        Ok(())
    })
}

/// Limits the number of doubled bids per auction. After that, draws select no bid. The limit is at least 1.
pub fn max_doublings(limit: u32) -> PromoterOption {
    PromoterOption::new(move |settings| settings.set_max_doublings(limit))
}

/// Draws bids only during this time before the end of the auction, from 100 ms to 31 days. The window must
/// not be shorter than the interval.
pub fn only_in_last(window: Duration) -> PromoterOption {
    PromoterOption::new(move |settings| settings.set_only_in_last(window))
}

/// Excludes the bids of the leading bidder.
pub fn exclude_leader() -> PromoterOption {
    PromoterOption::new(|settings| {
        settings.set_exclude_leader();
        Ok(())
    })
}

/// Excludes the bids of bidders who already had a bid doubled in the auction.
pub fn once_per_bidder() -> PromoterOption {
    PromoterOption::new(|settings| {
        settings.set_once_per_bidder();
        Ok(())
    })
}

/// Sets the probability that an interval draws a bid at all, in thousandths from 1 to 1,000. The seed
/// decides.
pub fn probability_permille(permille: u16) -> PromoterOption {
    PromoterOption::new(move |settings| settings.set_probability_permille(permille))
}

/// Sets the seed, the only source of randomness. Keep it secret until the auction is over.
pub fn seeded(seed: Seed) -> PromoterOption {
    PromoterOption::new(move |settings| {
        settings.set_seed(seed);
        Ok(())
    })
}

/// Combines several options into one that applies them in order and stops at the first error.
pub fn all(options: impl IntoIterator<Item = PromoterOption>) -> PromoterOption {
    let options: Vec<PromoterOption> = options.into_iter().collect();
    PromoterOption::new(move |settings| options.into_iter().try_for_each(|option| option.apply(settings)))
}
