//! How long to go on without success, and how long to wait between attempts.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use uuid::Uuid;

/// Shared by everything that one run does: what succeeds anywhere keeps all of it alive.
pub(crate) struct RetryBudget {
    give_up_after: Duration,
    state: Mutex<State>,
}

struct State {
    /// Last time something was decided.
    progress: Instant,
    /// Last time anything was answered.
    answer: Instant,
    /// Whether the present outage was told.
    told: bool,
}

/// An outage that is shorter is not worth a line.
const WORTH_TELLING: Duration = Duration::from_secs(1);

impl RetryBudget {
    pub(crate) fn new(give_up_after: Duration) -> RetryBudget {
        let now = Instant::now();
        RetryBudget { give_up_after, state: Mutex::new(State { progress: now, answer: now, told: false }) }
    }

    /// What somebody in front of a terminal has.
    pub(crate) fn interactive() -> RetryBudget {
        RetryBudget::new(Duration::from_secs(15))
    }

    pub(crate) fn give_up_after(&self) -> Duration {
        self.give_up_after
    }

    /// Something was decided.
    pub(crate) fn progress(&self) {
        self.state().progress = Instant::now();
    }

    pub(crate) fn is_exhausted(&self) -> bool {
        self.left().is_zero()
    }

    /// How much is left.
    pub(crate) fn left(&self) -> Duration {
        self.give_up_after.saturating_sub(self.state().progress.elapsed())
    }

    /// There was an answer; true if it ends an outage that was told.
    pub(super) fn answered(&self) -> bool {
        let mut state = self.state();
        state.answer = Instant::now();
        std::mem::take(&mut state.told)
    }

    /// There was none, and nobody asks again before `pause` is over; true if it is time to tell of the outage.
    pub(super) fn first_of_an_outage(&self, pause: Duration) -> bool {
        let mut state = self.state();
        let first = !state.told && state.answer.elapsed() + pause >= WORTH_TELLING;
        state.told |= first;
        first
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Delays that double up to a cap, each between half of it and all of it, so that many who were cut off
/// together do not come back together.
#[derive(Default)]
pub(crate) struct Backoff {
    attempts: u32,
}

impl Backoff {
    const FIRST: Duration = Duration::from_millis(50);
    const CAP: Duration = Duration::from_secs(2);
    /// No portal is waited for longer than this, whatever it asks for.
    const MOST: Duration = Duration::from_secs(30);

    /// The next delay; at least what the portal asked for.
    pub(crate) fn next_delay(&mut self, asked: Option<Duration>) -> Duration {
        let full = Backoff::FIRST.saturating_mul(1 << self.attempts.min(16)).min(Backoff::CAP);
        self.attempts += 1;
        let (_, low) = Uuid::new_v4().as_u64_pair();
        let jitter = (low & 0xffff) as f64 / f64::from(0xffff);
        let asked = asked.unwrap_or_default().min(Backoff::MOST);
        // On top of what was asked for: all who were told "in one second" shall not come at once.
        asked + full.mul_f64(0.5 + jitter / 2.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_grow_to_a_cap_and_honour_the_portal() {
        let mut backoff = Backoff::default();
        let delays: Vec<Duration> = (0..40).map(|_| backoff.next_delay(None)).collect();
        assert!(delays[0] >= Backoff::FIRST / 2 && delays[0] <= Backoff::FIRST);
        assert!(delays.iter().all(|delay| *delay <= Backoff::CAP));
        assert!(delays[39] >= Backoff::CAP / 2);
        let asked = Duration::from_secs(3);
        assert!(Backoff::default().next_delay(Some(asked)) >= asked);
        assert!(Backoff::default().next_delay(Some(Duration::from_secs(9_999))) <= Duration::from_secs(31));
    }

    #[test]
    fn an_outage_is_told_once_and_before_the_wait_that_makes_it_worth_telling() {
        let patience = RetryBudget::interactive();
        assert!(!patience.first_of_an_outage(Duration::from_millis(50)));
        assert!(patience.first_of_an_outage(WORTH_TELLING), "not only after it: patience may end meanwhile");
        assert!(!patience.first_of_an_outage(WORTH_TELLING));
        assert!(patience.answered() && !patience.answered());
    }

    #[test]
    fn patience_ends_without_progress_only() {
        let patience = RetryBudget::new(Duration::from_millis(80));
        assert!(!patience.is_exhausted());
        std::thread::sleep(Duration::from_millis(100));
        patience.answered();
        assert!(patience.is_exhausted(), "an answer that decides nothing is no progress");
        patience.progress();
        assert!(!patience.is_exhausted());
    }
}
