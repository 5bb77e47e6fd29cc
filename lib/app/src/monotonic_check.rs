//! Detects a clock that goes back.

use auction_domain::{DurationMs, Timestamp};

/// Difference that is no step of the clock.
const TOLERANCE: DurationMs = DurationMs::seconds(1);

/// Latest time that a clock has shown.
#[derive(Debug, Default)]
pub(crate) struct MonotonicCheck(Option<Timestamp>);

impl MonotonicCheck {
    /// Records the time, and returns whether the clock went back since the last call.
    pub(crate) fn went_back(&mut self, now: Timestamp) -> bool {
        let before = self.0.replace(now);
        before.is_some_and(|before| now + TOLERANCE < before)
    }
}
