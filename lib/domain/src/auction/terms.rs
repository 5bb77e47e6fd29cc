//! Terms of an auction: fixed when it is created.

use super::Promotion;
use crate::{Amount, Currency, DurationMs, Timestamp, UserId};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    /// Currency of all amounts.
    pub currency: Currency,
    /// Minimum amount of a bid.
    pub opening_bid: Amount,
    /// Reserve price: below it, the auction is not sold. Never shown; only whether it is met.
    pub reserve: Option<Amount>,
    /// Time from which bids are accepted.
    pub starts_at: Timestamp,
    /// End of bidding, without extensions.
    pub ends_at: Timestamp,
    /// Seller, who cannot bid. `None` if an operator created the auction for the portal itself.
    pub seller: Option<UserId>,
    pub soft_close: Option<SoftClose>,
    /// Duration before the end during which bidders cannot delete bids.
    pub retraction_lock: DurationMs,
    /// Draws; `None` for an auction without draws.
    pub promotion: Option<Promotion>,
}

impl Terms {
    /// Returns the number of draws that are due at a time.
    pub fn draws_due(&self, at: Timestamp) -> u64 {
        let Some(promotion) = self.promotion else { return 0 };
        let passed = u64::try_from(at.0.saturating_sub(self.starts_at.0)).unwrap_or_default();
        passed / promotion.interval_ms()
    }

    /// Returns the time when a draw is due. Draws are numbered from 1. Without a promotion it is the start.
    pub fn draw_due_at(&self, draw: u64) -> Timestamp {
        let interval = self.promotion.map_or(0, |promotion| promotion.interval_ms());
        let after = i64::try_from(draw.saturating_mul(interval)).unwrap_or(i64::MAX);
        Timestamp(self.starts_at.0.saturating_add(after))
    }
}

/// Extends the auction when the leader changes shortly before the end, so that other bidders can react.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SoftClose {
    /// Length of an extension.
    pub extend_by: DurationMs,
    /// Duration before the end during which a change of leader extends the auction.
    pub within: DurationMs,
    pub max_extensions: u32,
}
