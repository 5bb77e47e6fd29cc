//! Limits of retries: how long to retry without progress, and the delays between attempts.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use uuid::Uuid;

/// Time left for retries, shared by all requests of a run. Progress of any request renews it for all.
pub(crate) struct RetryBudget {
    idle_timeout: Duration,
    state: Mutex<State>,
}

struct State {
    last_progress: Instant,
    last_response: Instant,
    /// Whether the current outage was reported.
    reported: bool,
}

/// Shorter outages are not reported.
const REPORT_AFTER: Duration = Duration::from_secs(1);

impl RetryBudget {
    pub(crate) fn new(idle_timeout: Duration) -> RetryBudget {
        let now = Instant::now();
        let state = State { last_progress: now, last_response: now, reported: false };
        RetryBudget { idle_timeout, state: Mutex::new(state) }
    }

    /// Returns the budget of commands other than `replay`.
    pub(crate) fn interactive() -> RetryBudget {
        RetryBudget::new(Duration::from_secs(15))
    }

    pub(crate) fn idle_timeout(&self) -> Duration {
        self.idle_timeout
    }

    /// Renews the budget: a command was decided.
    pub(crate) fn on_progress(&self) {
        self.state().last_progress = Instant::now();
    }

    pub(crate) fn is_exhausted(&self) -> bool {
        self.left().is_zero()
    }

    pub(crate) fn left(&self) -> Duration {
        self.idle_timeout.saturating_sub(self.state().last_progress.elapsed())
    }

    /// Records a response. Returns whether it ends a reported outage.
    pub(super) fn on_response(&self) -> bool {
        let mut state = self.state();
        state.last_response = Instant::now();
        std::mem::take(&mut state.reported)
    }

    /// Records a failed attempt with the delay before the next one. Returns whether to report the outage:
    /// once, and before a delay that makes it longer than [`REPORT_AFTER`].
    pub(super) fn report_outage(&self, pause: Duration) -> bool {
        let mut state = self.state();
        let first = !state.reported && state.last_response.elapsed() + pause >= REPORT_AFTER;
        state.reported |= first;
        first
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Delays that double up to a cap, with jitter from half of the delay to all of it, so that clients which
/// lost their connections together do not reconnect together.
#[derive(Default)]
pub(crate) struct Backoff {
    attempts: u32,
}

impl Backoff {
    const FIRST: Duration = Duration::from_millis(50);
    const CAP: Duration = Duration::from_secs(2);
    /// Maximum of a requested delay that is respected.
    const MAX_REQUESTED: Duration = Duration::from_secs(30);

    /// Returns the next delay: at least `requested`, the portal's `Retry-After`.
    pub(crate) fn next_delay(&mut self, requested: Option<Duration>) -> Duration {
        let full = Backoff::FIRST.saturating_mul(1 << self.attempts.min(16)).min(Backoff::CAP);
        self.attempts += 1;
        let (_, low) = Uuid::new_v4().as_u64_pair();
        let jitter = (low & 0xffff) as f64 / f64::from(0xffff);
        let requested = requested.unwrap_or_default().min(Backoff::MAX_REQUESTED);
        // Added to the requested delay, so that clients with the same `Retry-After` do not return together.
        requested + full.mul_f64(0.5 + jitter / 2.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backoff_grows_to_a_cap_and_respects_retry_after() {
        let mut backoff = Backoff::default();
        let delays: Vec<Duration> = (0..40).map(|_| backoff.next_delay(None)).collect();
        assert!(delays[0] >= Backoff::FIRST / 2 && delays[0] <= Backoff::FIRST);
        assert!(delays.iter().all(|delay| *delay <= Backoff::CAP));
        assert!(delays[39] >= Backoff::CAP / 2);
        let requested = Duration::from_secs(3);
        assert!(Backoff::default().next_delay(Some(requested)) >= requested);
        assert!(Backoff::default().next_delay(Some(Duration::from_secs(9_999))) <= Duration::from_secs(31));
    }

    #[test]
    fn client_reports_an_outage_once() {
        let retry_budget = RetryBudget::interactive();
        assert!(!retry_budget.report_outage(Duration::from_millis(50)));
        assert!(retry_budget.report_outage(REPORT_AFTER), "before the delay: the budget may end meanwhile");
        assert!(!retry_budget.report_outage(REPORT_AFTER));
        assert!(retry_budget.on_response() && !retry_budget.on_response());
    }

    #[test]
    fn retry_budget_is_exhausted_without_progress() {
        let retry_budget = RetryBudget::new(Duration::from_millis(80));
        assert!(!retry_budget.is_exhausted());
        std::thread::sleep(Duration::from_millis(100));
        retry_budget.on_response();
        assert!(retry_budget.is_exhausted(), "a response without a decision is no progress");
        retry_budget.on_progress();
        assert!(!retry_budget.is_exhausted());
    }
}
