//! What is agreed when an auction is created, and never changes.

use super::Promotion;
use crate::{Amount, Currency, DurationMs, Timestamp, UserId};

/// The rules of one auction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    /// What all its amounts are in.
    pub currency: Currency,
    /// The least a first bid must be.
    pub opening_bid: Amount,
    /// Below this it is not sold; never shown, only whether it is met.
    pub reserve: Option<Amount>,
    /// From then on bids are taken.
    pub starts_at: Timestamp,
    /// From then on no more, unless it was extended.
    pub ends_at: Timestamp,
    /// Who sells, and may not bid; the house if nobody.
    pub seller: Option<UserId>,
    /// Whether late changes of the lead extend it.
    pub soft_close: Option<SoftClose>,
    /// Within so long before the end no bid can be deleted.
    pub retraction_lock: DurationMs,
    /// Whether bids are drawn by lot and doubled.
    pub promotion: Option<Promotion>,
}

impl Terms {
    /// How many draws are due by then.
    pub fn draws_due(&self, at: Timestamp) -> u64 {
        let Some(promotion) = self.promotion else { return 0 };
        let passed = u64::try_from(at.0.saturating_sub(self.starts_at.0)).unwrap_or_default();
        passed / promotion.interval()
    }

    /// When a draw is due; draws are numbered from 1. Of an auction without promotion: at its start.
    pub fn draw_due_at(&self, draw: u64) -> Timestamp {
        let interval = self.promotion.map_or(0, |promotion| promotion.interval());
        let after = i64::try_from(draw.saturating_mul(interval)).unwrap_or(i64::MAX);
        Timestamp(self.starts_at.0.saturating_add(after))
    }
}

/// A change of leader shortly before the end extends the auction, so that others can answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SoftClose {
    /// The end moves by so much.
    pub extend_by: DurationMs,
    /// If the lead changes within so long before the end.
    pub within: DurationMs,
    /// At most so many times.
    pub at_most: u32,
}
