//! Waiting times between attempts.
//!
//! Only this module uses the crate `backoff`. The requirements name that crate, but it is unmaintained
//! (RUSTSEC-2025-0012; its dependency `instant`: RUSTSEC-2024-0384). No type of it is public, so that it can
//! be replaced in this file alone. Its default of giving up after 15 minutes is switched off: a worker that
//! gives up while Redis is unavailable would have to be restarted by hand.

use crate::entropy;
use backoff::backoff::Backoff;
use backoff::{ExponentialBackoff, ExponentialBackoffBuilder};
use std::time::Duration;

/// Exponential backoff with jitter, without a limit of attempts.
#[derive(Debug)]
pub struct Retry(ExponentialBackoff);

impl Retry {
    /// Returns a backoff that starts at `first` and doubles up to `longest`. Each wait is then multiplied by
    /// a random factor from 0.5 to 1.5, so that many workers do not retry at the same moment.
    pub fn new(first: Duration, longest: Duration) -> Retry {
        let backoff = ExponentialBackoffBuilder::new()
            .with_initial_interval(first)
            .with_max_interval(longest)
            .with_multiplier(2.0)
            .with_randomization_factor(0.0)
            .with_max_elapsed_time(None)
            .build();
        Retry(backoff)
    }

    /// Returns how long to wait after a failed attempt.
    pub fn next_wait(&mut self) -> Duration {
        // `next_backoff` never returns `None` without a maximum elapsed time. The crate's own jitter cannot
        // be seeded.
        self.0.next_backoff().unwrap_or(self.0.max_interval).mul_f64(0.5 + entropy::random_unit())
    }

    /// Resets the backoff after a success: the next failure starts at the shortest wait.
    pub fn succeeded(&mut self) {
        self.0.reset();
    }
}

impl Default for Retry {
    /// Returns a backoff from 50 ms to 5 s.
    fn default() -> Retry {
        Retry::new(Duration::from_millis(50), Duration::from_secs(5))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_up_to_the_limit_and_never_end() {
        let mut retry = Retry::new(Duration::from_millis(10), Duration::from_secs(1));
        let waits: Vec<Duration> = (0..200).map(|_| retry.next_wait()).collect();
        assert!(waits[0] <= Duration::from_millis(15));
        assert!(waits[100..].iter().all(|wait| *wait >= Duration::from_millis(500)));
        assert!(waits.iter().all(|wait| *wait <= Duration::from_millis(1500)));
        retry.succeeded();
        assert!(retry.next_wait() <= Duration::from_millis(15));
    }
}
