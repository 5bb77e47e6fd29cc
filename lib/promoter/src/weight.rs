//! Weights: how likely a bid is drawn, compared with the other bids.

use crate::{CandidateBid, DrawContext};
use std::sync::Arc;

/// Function that returns the weight of a bid. The probability of a bid is proportional to its weight; a bid
/// of weight zero is never drawn.
pub type Weight = Arc<dyn Fn(&CandidateBid, &DrawContext<'_>) -> u64 + Send + Sync>;

/// Gives all bids the same weight.
pub fn uniform(_: &CandidateBid, _: &DrawContext<'_>) -> u64 {
    1
}

/// Weighs a bid by its amount: a bid of twice the amount is drawn twice as often.
pub fn by_amount(bid: &CandidateBid, _: &DrawContext<'_>) -> u64 {
    bid.amount
}

/// Weighs a bid by its age, in favour of early bids. The weight is the age in milliseconds plus one, so that
/// the newest bid can be drawn, too.
pub fn by_age(bid: &CandidateBid, context: &DrawContext<'_>) -> u64 {
    let age = context.due_at.saturating_sub(bid.placed_at);
    u64::try_from(age).unwrap_or_default().saturating_add(1)
}
