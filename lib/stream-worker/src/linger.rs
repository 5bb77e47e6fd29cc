//! How long a consumer waits for more entries before it reads.

use std::time::Duration;

/// Entries per read at which the linger time starts to grow: one step for each multiple.
const ENTRIES_PER_STEP: usize = 16;

/// Longest linger time, as a multiple of the shortest.
const MAX_STEPS: u32 = 5;

/// Returns how long to wait after a read that returned `received` entries, at the wall-clock time `clock`.
///
/// The time is about `shortest` after a small read. It grows with the number of entries, up to five times, so
/// that more entries share the cost of a batch. The wait ends at a multiple of that time on the wall clock,
/// and so at the same moment for all consumers of a machine: what they then send to a server arrives together
/// and shares one fsync.
pub(crate) fn time(shortest: Duration, received: usize, clock: Duration) -> Duration {
    let steps =
        u32::try_from(1 + received / ENTRIES_PER_STEP).map_or(MAX_STEPS, |steps| steps.min(MAX_STEPS));
    let period = shortest * steps;
    if period.is_zero() {
        return period;
    }
    let elapsed = (clock + period / 2).as_nanos() % period.as_nanos();
    let remaining = (period.as_nanos() - elapsed) % period.as_nanos();
    period / 2 + Duration::from_nanos(u64::try_from(remaining).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn linger_ends_at_common_multiples_of_the_period() {
        for clock in (0..1000).map(Duration::from_micros) {
            let time = time(ms(2), 1, ms(1_000_000) + clock * 7);
            assert_eq!((ms(1_000_000) + clock * 7 + time).as_nanos() % ms(2).as_nanos(), 0);
            assert!((ms(1)..ms(3)).contains(&time), "{time:?}");
        }
        assert_eq!(time(Duration::ZERO, 400, ms(5)), Duration::ZERO);
    }

    #[test]
    fn linger_grows_with_the_entries_read_up_to_five_times() {
        let at = |received| time(ms(2), received, ms(0));
        assert_eq!([0, 15, 16, 47, 64, 10_000].map(at), [2, 2, 4, 6, 10, 10].map(ms));
    }
}
