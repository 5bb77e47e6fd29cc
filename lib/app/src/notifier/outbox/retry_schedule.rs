//! When what was not taken is tried again.

use std::time::Duration;
use uuid::Uuid;

const MINUTE: u32 = 60;
const HOUR: u32 = 60 * MINUTE;

/// After each attempt but the last, in seconds: the schedule that Standard Webhooks recommends. The first attempt
/// is made at once.
const WAITS: [u32; 9] =
    [5, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR, 20 * HOUR, 24 * HOUR];

/// Up to so much of a wait comes on top of it, as the id of the message has it: what failed together does not come
/// back together.
const JITTER_PERCENT: u32 = 20;

/// A schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetrySchedule {
    /// How long a second of it is: one second, but for tests.
    pub second: Duration,
}

impl RetrySchedule {
    /// How long to wait after so many attempts; none if that were all.
    pub fn wait(&self, attempts: u32, message: Uuid) -> Option<Duration> {
        let nth = usize::try_from(attempts.checked_sub(1)?).ok()?;
        let wait = self.second * *WAITS.get(nth)?;
        // Ids are hashes: other bytes on each attempt.
        let byte = message.as_bytes().get(nth).copied().unwrap_or_default();
        Some(wait + wait * JITTER_PERCENT / 100 * u32::from(byte) / 255)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCHEDULE: RetrySchedule = RetrySchedule { second: Duration::from_secs(1) };

    #[test]
    fn there_are_ten_attempts_as_the_standard_has_them() {
        let waits = (1..).map_while(|attempts| SCHEDULE.wait(attempts, Uuid::nil()));
        let seconds: Vec<u64> = waits.map(|wait| wait.as_secs()).collect();
        assert_eq!(seconds, [5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400]);
        assert_eq!(SCHEDULE.wait(10, Uuid::nil()), None);
        assert_eq!(SCHEDULE.wait(0, Uuid::nil()), None, "the first is not waited for");
    }

    #[test]
    fn the_jitter_is_up_to_a_fifth_and_different_for_each_message() {
        assert_eq!(SCHEDULE.wait(1, Uuid::max()), Some(Duration::from_secs(6)));
        assert_eq!(SCHEDULE.wait(9, Uuid::max()), Some(Duration::from_secs(86_400 * 6 / 5)));
        let wait = |name: &str| SCHEDULE.wait(2, Uuid::new_v5(&Uuid::nil(), name.as_bytes())).unwrap();
        assert_ne!(wait("one"), wait("other"));
        for n in 0..1000 {
            assert!((300..=360).contains(&wait(&n.to_string()).as_secs()));
        }
    }

    #[test]
    fn a_second_can_be_shorter() {
        let schedule = RetrySchedule { second: Duration::from_millis(1) };
        assert_eq!(schedule.wait(2, Uuid::nil()), Some(Duration::from_millis(300)));
    }
}
