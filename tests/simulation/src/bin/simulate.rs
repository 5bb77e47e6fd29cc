//! Runs schedules by seed: `simulate --seeds 0..1000` many of them on all cores, `simulate --seed 7 --trace` one, and
//! prints what happens in it.

#![allow(clippy::print_stdout, reason = "it is what it is for")]

use auction_simulation::schedule::{Report, Violation, run};
use auction_simulation::world::Trace;
use std::ops::Range;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

/// A schedule is many small allocations.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// So many broken schedules are enough to begin with.
const ENOUGH: usize = 20;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let ran = match words[..] {
        ["--seed", seed] => seed.parse().ok().map(|seed| one(seed, Trace::Hashed)),
        ["--seed", seed, "--trace"] => seed.parse().ok().map(|seed| one(seed, Trace::Printed)),
        ["--seeds", seeds] => seeds_of(seeds).map(many),
        _ => None,
    };
    ran.unwrap_or_else(|| {
        println!("simulate --seeds A..B | --seed N [--trace], with A below B");
        ExitCode::from(2)
    })
}

/// Some seeds: nothing comes of none.
fn seeds_of(text: &str) -> Option<Range<u64>> {
    let (from, to) = text.split_once("..")?;
    Some(from.parse().ok()?..to.parse().ok()?).filter(|seeds| !seeds.is_empty())
}

fn one(seed: u64, trace: Trace) -> ExitCode {
    match run(seed, trace) {
        Ok(report) => {
            println!("seed {seed}: every promise was kept; {report:?}");
            ExitCode::SUCCESS
        }
        Err(broken) => {
            println!("{broken}");
            ExitCode::FAILURE
        }
    }
}

fn many(seeds: Range<u64>) -> ExitCode {
    let (next, began) = (AtomicU64::new(seeds.start), Instant::now());
    let broken: Mutex<Vec<Violation>> = Mutex::default();
    let (steps, killed) = (AtomicU64::new(0), AtomicU64::new(0));
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    let Ok(mut found) = broken.lock() else { return };
                    if seed >= seeds.end || found.len() >= ENOUGH {
                        return;
                    }
                    drop(found);
                    match run(seed, Trace::Off) {
                        Ok(Report { steps: some, killed: dead, .. }) => {
                            steps.fetch_add(some, Ordering::Relaxed);
                            killed.fetch_add(dead, Ordering::Relaxed);
                        }
                        Err(one) => {
                            println!("{one}");
                            found = match broken.lock() {
                                Ok(found) => found,
                                Err(_) => return,
                            };
                            found.push(one);
                        }
                    }
                }
            });
        }
    });
    let broken = broken.lock().map_or(1, |broken| broken.len());
    let ran = next.load(Ordering::Relaxed).min(seeds.end) - seeds.start;
    let seconds = began.elapsed().as_secs_f64();
    let (steps, killed) = (steps.into_inner(), killed.into_inner());
    println!(
        "{ran} schedules, {broken} broken; {steps} steps, {killed} processes killed; {seconds:.1} s, {:.0} schedules/s on {threads} threads",
        ran as f64 / seconds
    );
    if broken == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
