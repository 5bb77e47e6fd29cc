//! Guarantees of the write protocol and the projector in thousands of random schedules.

#![allow(clippy::unwrap_used)]

use auction_simulation::schedule::run;
use auction_simulation::world::Trace;
use std::sync::atomic::{AtomicU64, Ordering};

/// Seeds of schedules that once broke a guarantee, with the bug. The mutation `keep-unstored` breaks the
/// first two again, the version before crash marks became a hash the last one. A change of the simulation
/// changes the schedule of a seed: then search for seeds that show the same bugs.
const PREVIOUSLY_BROKEN: [(u64, &str); 3] = [
    (75, "an auction created in the previous batch was unknown until its creation was stored"),
    (144, "a user created in the previous batch was unknown until the creation was stored"),
    (13473, "a command on which several writers hung was treated as crashing them"),
];

#[test]
fn guarantees_hold_in_every_schedule() {
    let (schedules, next) = (2000, AtomicU64::new(0));
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= schedules {
                        return;
                    }
                    run(seed, Trace::Off).unwrap();
                }
            });
        }
    });
}

#[test]
fn previously_broken_schedules_pass() {
    for (seed, bug) in PREVIOUSLY_BROKEN {
        run(seed, Trace::Off).unwrap_or_else(|violation| panic!("{bug}: {violation}"));
    }
}

#[test]
fn same_seed_produces_the_same_schedule() {
    for seed in 0..40 {
        let report = run(seed, Trace::Hashed).unwrap();
        assert_eq!(run(seed, Trace::Hashed).unwrap(), report);
    }
}
