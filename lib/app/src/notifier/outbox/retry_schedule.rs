//! When failed deliveries are retried.

use std::time::Duration;
use uuid::Uuid;

const MINUTE: u32 = 60;
const HOUR: u32 = 60 * MINUTE;

/// Wait after each attempt but the last, in seconds, as Standard Webhooks recommends. The first attempt is
/// immediate.
const WAITS: [u32; 9] =
    [5, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR, 20 * HOUR, 24 * HOUR];

/// Maximum jitter that is added to a wait, in percent. It is derived from the message id, so that messages
/// that failed together are not retried together.
const JITTER_PERCENT: u32 = 20;

/// Retry schedule of failed deliveries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetrySchedule {
    /// Duration of one second of the schedule. Shorter only in tests.
    pub second: Duration,
}

impl RetrySchedule {
    /// Returns the wait after this number of attempts; `None` after the last one.
    pub fn wait(&self, attempts: u32, message: Uuid) -> Option<Duration> {
        let nth = usize::try_from(attempts.checked_sub(1)?).ok()?;
        let wait = self.second * *WAITS.get(nth)?;
        // Ids are hashes, so each attempt uses another random byte.
        let byte = message.as_bytes().get(nth).copied().unwrap_or_default();
        Some(wait + wait * JITTER_PERCENT / 100 * u32::from(byte) / 255)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCHEDULE: RetrySchedule = RetrySchedule { second: Duration::from_secs(1) };

    #[test]
    fn retry_schedule_matches_standard_webhooks() {
        let waits = (1..).map_while(|attempts| SCHEDULE.wait(attempts, Uuid::nil()));
        let seconds: Vec<u64> = waits.map(|wait| wait.as_secs()).collect();
        assert_eq!(seconds, [5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400]);
        assert_eq!(SCHEDULE.wait(10, Uuid::nil()), None);
        assert_eq!(SCHEDULE.wait(0, Uuid::nil()), None, "no wait before the first attempt");
    }

    #[test]
    fn retry_jitter_is_at_most_a_fifth_and_differs_per_message() {
        assert_eq!(SCHEDULE.wait(1, Uuid::max()), Some(Duration::from_secs(6)));
        assert_eq!(SCHEDULE.wait(9, Uuid::max()), Some(Duration::from_secs(86_400 * 6 / 5)));
        let wait = |name: &str| SCHEDULE.wait(2, Uuid::new_v5(&Uuid::nil(), name.as_bytes())).unwrap();
        assert_ne!(wait("one"), wait("other"));
        for n in 0..1000 {
            assert!((300..=360).contains(&wait(&n.to_string()).as_secs()));
        }
    }

    #[test]
    fn retry_schedule_scales_with_the_second() {
        let schedule = RetrySchedule { second: Duration::from_millis(1) };
        assert_eq!(schedule.wait(2, Uuid::nil()), Some(Duration::from_millis(300)));
    }
}
