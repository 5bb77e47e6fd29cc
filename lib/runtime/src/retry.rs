//! How long to wait before the next attempt.
//!
//! The only module that knows the crate `backoff`. It is asked for by name and unmaintained
//! (RUSTSEC-2025-0012; `instant` below it RUSTSEC-2024-0384); nothing of it shows outside, so that it can
//! be replaced in this one file. Its default of giving up after 15 minutes is switched off: a worker that
//! gives up while Redis is down would have to be started by hand.

use crate::entropy;
use backoff::backoff::Backoff;
use backoff::{ExponentialBackoff, ExponentialBackoffBuilder};
use std::time::Duration;

/// Exponential waiting times with jitter, without end.
#[derive(Debug)]
pub struct Retry {
    backoff: ExponentialBackoff,
    attempts: u32,
}

impl Retry {
    /// The first wait is about `first`, each next one doubles, none is longer than about `longest`; every
    /// one is up to half longer or shorter by chance, so that many workers do not come back at once.
    pub fn new(first: Duration, longest: Duration) -> Retry {
        let backoff = ExponentialBackoffBuilder::new()
            .with_initial_interval(first)
            .with_max_interval(longest)
            .with_multiplier(2.0)
            .with_randomization_factor(0.0)
            .with_max_elapsed_time(None)
            .build();
        Retry { backoff, attempts: 0 }
    }

    /// How long to wait now.
    pub fn next_wait(&mut self) -> Duration {
        self.attempts = self.attempts.saturating_add(1);
        // Without a maximal elapsed time there always is a next interval. The crate's own jitter has no seed.
        self.backoff.next_backoff().unwrap_or(self.backoff.max_interval).mul_f64(0.5 + entropy::random_unit())
    }

    /// Something worked: the next failure starts from the shortest wait.
    pub fn succeeded(&mut self) {
        self.backoff.reset();
        self.attempts = 0;
    }

    /// How many waits there have been since the last success.
    pub fn attempts(&self) -> u32 {
        self.attempts
    }
}

impl Default for Retry {
    /// From 50 ms to 5 s.
    fn default() -> Retry {
        Retry::new(Duration::from_millis(50), Duration::from_secs(5))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_their_limit_and_never_end() {
        let mut retry = Retry::new(Duration::from_millis(10), Duration::from_secs(1));
        let waits: Vec<Duration> = (0..200).map(|_| retry.next_wait()).collect();
        assert!(waits[0] <= Duration::from_millis(15));
        assert!(waits[100..].iter().all(|wait| *wait >= Duration::from_millis(500)));
        assert!(waits.iter().all(|wait| *wait <= Duration::from_millis(1500)));
        assert_eq!(retry.attempts(), 200);
        retry.succeeded();
        assert!(retry.next_wait() <= Duration::from_millis(15));
    }
}
