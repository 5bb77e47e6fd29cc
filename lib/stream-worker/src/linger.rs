//! How long entries gather before they are read.

use std::time::Duration;

/// So many entries in one read are many.
const MANY: usize = 16;

/// The longest time is so many times the shortest.
const LONGEST: u32 = 5;

/// How long entries gather after a read that returned so many, when the machine's clock says `clock`.
///
/// About `shortest` if few came. The more came the longer, up to five times as long: then many share what a batch costs.
/// It ends at a moment that all consumers of a machine have in common, a multiple of that time: what they then send to
/// a server arrives together, and is put on disk together.
pub(crate) fn time(shortest: Duration, came: usize, clock: Duration) -> Duration {
    let times = u32::try_from(1 + came / MANY).map_or(LONGEST, |times| times.min(LONGEST));
    let step = shortest * times;
    if step.is_zero() {
        return step;
    }
    let past = (clock + step / 2).as_nanos() % step.as_nanos();
    let left = (step.as_nanos() - past) % step.as_nanos();
    step / 2 + Duration::from_nanos(u64::try_from(left).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn gathering_ends_at_common_moments_after_half_the_time_to_one_and_a_half() {
        for clock in (0..1000).map(Duration::from_micros) {
            let time = time(ms(2), 1, ms(1_000_000) + clock * 7);
            assert_eq!((ms(1_000_000) + clock * 7 + time).as_nanos() % ms(2).as_nanos(), 0);
            assert!((ms(1)..ms(3)).contains(&time), "{time:?}");
        }
        assert_eq!(time(Duration::ZERO, 400, ms(5)), Duration::ZERO);
    }

    #[test]
    fn the_more_come_the_longer_the_next_gather_up_to_five_times() {
        let at = |came| time(ms(2), came, ms(0));
        assert_eq!([0, 15, 16, 47, 64, 10_000].map(at), [2, 2, 4, 6, 10, 10].map(ms));
    }
}
