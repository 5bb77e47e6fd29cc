//! Second clock for closing auctions.
//!
//! The streams stamp commands. If their clock is ahead for a moment, a close would end an auction early and for good.
//! So the writer decides a close at no later time than its own clock shows, within a tolerance. The auction
//! then refuses the close as too early, and the auctioneer sends another one.

use super::removals::is_close;
use auction_domain::Timestamp;
use auction_wire::Command;
use std::time::Duration;
use worker_runtime::entropy;

/// Clock of this machine, with which a close must agree.
#[derive(Clone, Copy, Debug)]
pub struct CloseClock {
    /// Returns the time since 1970.
    pub now: fn() -> Duration,
    /// Largest difference by which the stamp of a close may be ahead of this clock.
    pub max_skew: Duration,
}

impl CloseClock {
    /// Clock that agrees with every stamp.
    pub const UNCHECKED: CloseClock = CloseClock { now: || Duration::ZERO, max_skew: Duration::MAX };

    /// Returns the wall clock of this machine with a tolerance.
    pub fn of_machine(max_skew: Duration) -> CloseClock {
        CloseClock { now: entropy::clock, max_skew }
    }

    /// Returns the time at which a command stamped with `at` is decided: for a close the earlier of both
    /// clocks, else `at`.
    pub(super) fn decision_time(&self, command: &Command, at: Timestamp) -> Timestamp {
        if !is_close(command) {
            return at;
        }
        let latest = (self.now)().saturating_add(self.max_skew);
        let latest = Timestamp(i64::try_from(latest.as_millis()).unwrap_or(i64::MAX));
        if latest < at {
            let (auction, ahead_ms) = (command.key, at.0.saturating_sub(latest.0));
            tracing::warn!(%auction, ahead_ms,
                "the clock of the streams is ahead of this machine's clock by more than writer.max_close_skew_ms: \
                 an auction that ends in between is closed later");
        }
        latest.min(at)
    }
}
