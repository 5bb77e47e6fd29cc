//! Runs schedules by seed. `simulate --seeds 0..1000` runs many on all cores. `simulate --seed 7 --trace`
//! runs one and prints its trace.

#![allow(clippy::print_stdout, reason = "command-line program")]

use auction_simulation::schedule::{Violation, run};
use auction_simulation::world::Trace;
use std::ops::Range;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

/// A schedule makes many small allocations.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Number of broken schedules after which no more are started.
const MAX_BROKEN: usize = 20;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let exit = match words[..] {
        ["--seed", seed] => seed.parse().ok().map(|seed| run_one(seed, Trace::Hashed)),
        ["--seed", seed, "--trace"] => seed.parse().ok().map(|seed| run_one(seed, Trace::Printed)),
        ["--seeds", seeds] => parse_seeds(seeds).map(run_many),
        _ => None,
    };
    exit.unwrap_or_else(|| {
        println!("usage: simulate --seeds A..B | --seed N [--trace], with A below B");
        ExitCode::from(2)
    })
}

/// Parses a range such as `0..1000`. An empty range is invalid: it would report success without a check.
fn parse_seeds(text: &str) -> Option<Range<u64>> {
    let (from, to) = text.split_once("..")?;
    Some(from.parse().ok()?..to.parse().ok()?).filter(|seeds| !seeds.is_empty())
}

fn run_one(seed: u64, trace: Trace) -> ExitCode {
    match run(seed, trace) {
        Ok(report) => {
            println!("seed {seed}: all guarantees hold; {report:?}");
            ExitCode::SUCCESS
        }
        Err(violation) => {
            println!("{violation}");
            ExitCode::FAILURE
        }
    }
}

fn run_many(seeds: Range<u64>) -> ExitCode {
    let (next, started) = (AtomicU64::new(seeds.start), Instant::now());
    let broken: Mutex<Vec<Violation>> = Mutex::default();
    let (steps, killed) = (AtomicU64::new(0), AtomicU64::new(0));
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    let Ok(mut found) = broken.lock() else { return };
                    if seed >= seeds.end || found.len() >= MAX_BROKEN {
                        return;
                    }
                    drop(found);
                    match run(seed, Trace::Off) {
                        Ok(report) => {
                            steps.fetch_add(report.steps, Ordering::Relaxed);
                            killed.fetch_add(report.killed, Ordering::Relaxed);
                        }
                        Err(violation) => {
                            println!("{violation}");
                            found = match broken.lock() {
                                Ok(found) => found,
                                Err(_) => return,
                            };
                            found.push(violation);
                        }
                    }
                }
            });
        }
    });
    let broken = broken.lock().map_or(1, |broken| broken.len());
    let ran = next.load(Ordering::Relaxed).min(seeds.end) - seeds.start;
    let seconds = started.elapsed().as_secs_f64();
    let (steps, killed) = (steps.into_inner(), killed.into_inner());
    println!(
        "{ran} schedules, {broken} broken; {steps} steps, {killed} processes killed; {seconds:.1} s, {:.0} schedules/s on {threads} threads",
        ran as f64 / seconds
    );
    if broken == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
