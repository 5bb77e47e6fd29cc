//! The options.

use crate::settings::{OptionError, Settings};
use crate::{DrawContext, EligibleBid, Seed};
use std::fmt;
use std::time::Duration;

type OptionFn = dyn FnOnce(&mut Settings) -> Result<(), OptionError> + Send;

/// One option of [`crate::Promoter::new`]: a change of the settings, which may refuse.
pub struct PromoterOption(Box<OptionFn>);

impl PromoterOption {
    /// An option of one's own. It sees what the options before it set, and can build on it.
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

/// One draw in each interval of that length, from 100 ms to 31 days.
pub fn every(interval: Duration) -> PromoterOption {
    PromoterOption::new(move |settings| settings.set_every(interval))
}

/// How likely a bid is drawn, compared with the others: [`crate::uniform`], [`crate::by_amount`],
/// [`crate::by_age`], or any function of a bid and its round. A weight of zero leaves a bid out.
///
/// ```
/// use auction_promoter::{Promoter, weigh_by};
///
/// let promoter = Promoter::new([weigh_by(|bid, _| u64::from(bid.amount % 100 == 0))]);
/// assert!(promoter.is_ok(), "round amounts only");
/// ```
pub fn weigh_by(
    weight: impl Fn(&EligibleBid, &DrawContext<'_>) -> u64 + Send + Sync + 'static,
) -> PromoterOption {
    PromoterOption::new(move |settings| {
        settings.set_weight(weight);
        Ok(())
    })
}

/// No bid weighs more than so much, whatever the options before say: with [`crate::by_amount`] one very
/// high bid would else be drawn nearly always.
pub fn weigh_at_most(most: u64) -> PromoterOption {
    PromoterOption::new(move |settings| {
        if most == 0 {
            return Err(OptionError::WeightNone);
        }
        let before = settings.weight();
        settings.set_weight(move |bid, round| before(bid, round).min(most));
        Ok(())
    })
}

/// So many promotions in one auction, at least one; after them draws find nobody.
pub fn at_most(promotions: u32) -> PromoterOption {
    PromoterOption::new(move |settings| settings.set_at_most(promotions))
}

/// Draws find somebody only so long before the end of the auction. Not shorter than an interval.
pub fn only_in_last(window: Duration) -> PromoterOption {
    PromoterOption::new(move |settings| settings.set_only_in_last(window))
}

/// Bids of whoever leads are left out.
pub fn never_the_leader() -> PromoterOption {
    PromoterOption::new(|settings| {
        settings.set_never_the_leader();
        Ok(())
    })
}

/// Bids of a bidder of whom one was promoted before are left out.
pub fn once_per_bidder() -> PromoterOption {
    PromoterOption::new(|settings| {
        settings.set_once_per_bidder();
        Ok(())
    })
}

/// Somebody is drawn only in so many of 1,000 intervals, by lot; the others find nobody. From 1 to 1,000.
pub fn chance(out_of_1000: u16) -> PromoterOption {
    PromoterOption::new(move |settings| settings.set_chance(out_of_1000))
}

/// What the lots are drawn with: a secret until the auction is over.
pub fn seeded(seed: Seed) -> PromoterOption {
    PromoterOption::new(move |settings| {
        settings.set_seed(seed);
        Ok(())
    })
}

/// Several options as one, in their order. The first that makes no sense stops it.
pub fn all(options: impl IntoIterator<Item = PromoterOption>) -> PromoterOption {
    let options: Vec<PromoterOption> = options.into_iter().collect();
    PromoterOption::new(move |settings| options.into_iter().try_for_each(|option| option.apply(settings)))
}
