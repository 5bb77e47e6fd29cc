//! How likely a bid is drawn, compared with the others.

use crate::{DrawContext, EligibleBid};
use std::sync::Arc;

/// Gives a bid its weight: twice the weight, twice as likely. A bid of weight zero is never drawn.
pub type Weight = Arc<dyn Fn(&EligibleBid, &DrawContext<'_>) -> u64 + Send + Sync>;

/// All bids alike.
pub fn uniform(_: &EligibleBid, _: &DrawContext<'_>) -> u64 {
    1
}

/// Twice the amount, twice as likely.
pub fn by_amount(bid: &EligibleBid, _: &DrawContext<'_>) -> u64 {
    bid.amount
}

/// Whoever bid early and was not drawn yet is the more likely: a bid weighs as many milliseconds as it is
/// old, and one more, so that even the newest can be drawn.
pub fn by_age(bid: &EligibleBid, round: &DrawContext<'_>) -> u64 {
    let age = round.due_at.saturating_sub(bid.placed_at);
    u64::try_from(age).unwrap_or_default().saturating_add(1)
}
