//! What is left to chance: names that nobody ever had, waits that differ, and where the machine's clock stands.
//!
//! By default it is the operating system's. A thread can be given a seed: then the same happens again, which is how a
//! schedule of a simulation is repeated.

use std::cell::Cell;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use uuid::Uuid;

thread_local! {
    static SEEDED: Cell<Option<u64>> = const { Cell::new(None) };
}

/// From now on chance on this thread follows from this seed; or does not any more.
pub fn seed(seed: Option<u64>) {
    SEEDED.set(seed);
}

/// Any number.
pub fn random_u64() -> u64 {
    let Some(state) = SEEDED.get() else {
        let (one, other) = Uuid::new_v4().as_u64_pair();
        // Each half has bits that tell the version; not the same ones.
        return one ^ other.rotate_left(32);
    };
    // SplitMix64.
    let state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    SEEDED.set(Some(state));
    let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// From zero to below one.
pub fn random_unit() -> f64 {
    // As many bits as fit.
    (random_u64() >> 11) as f64 / (1_u64 << 53) as f64
}

/// The machine's clock, since 1970. With a seed it is any time, and the next one any other.
pub fn clock() -> Duration {
    match SEEDED.get() {
        None => SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default(),
        Some(_) => Duration::from_micros(random_u64() >> 16),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_makes_the_same_choices_and_without_one_nobody_knows() {
        let some = || [random_u64(), random_u64(), random_u64()];
        seed(Some(7));
        let seeded = some();
        seed(Some(7));
        assert_eq!(some(), seeded);
        seed(None);
        assert_ne!(some(), seeded);
        assert!((0..1000).map(|_| random_unit()).all(|fraction| (0.0..1.0).contains(&fraction)));
    }
}
