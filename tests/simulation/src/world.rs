//! Shared state of a schedule: random numbers, the clock, failure rates and the trace.

use auction_testkit::fixtures::AT;
use auction_testkit::random::Random;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::{Instant, sleep, sleep_until};

/// Random numbers, clock, faults and trace of a schedule. Clones share them.
#[derive(Clone, Debug)]
pub struct World(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    began: Instant,
}

#[derive(Debug)]
struct State {
    random: Random,
    failures_per_mille: u64,
    failures: u64,
    /// Whether steps end without a wait.
    calm: bool,
    /// Milliseconds by which the clock of Redis is ahead.
    clock_ahead: u64,
    /// Time until which each backend is silent.
    silent_until: [Option<Instant>; 3],
    steps: u64,
    trace: Trace,
    /// FNV-1a hash of all trace lines.
    hash: u64,
}

/// Number of steps after which a schedule counts as endless. Typical schedules have 2,000.
const MAX_STEPS: u64 = 1_000_000;

/// Backend that can be silent for a while.
#[derive(Clone, Copy, Debug)]
pub enum Server {
    Redis,
    Postgres,
    /// Postgres, for appends only: another session holds a lock that they wait for.
    PostgresToAppends,
}

/// Use of the trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trace {
    Off,
    /// Trace lines are hashed.
    Hashed,
    /// Trace lines are hashed and printed.
    Printed,
}

/// Wait between two steps. `Sleep` has milliseconds.
enum Pause {
    None,
    Yield,
    Sleep(u64),
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A panic cannot leave the state half changed.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl World {
    /// Must be called in a runtime, whose time should be paused.
    pub fn new(seed: u64, trace: Trace) -> World {
        let random = Random::new(seed);
        let state = State {
            random,
            failures_per_mille: 0,
            failures: 0,
            calm: false,
            clock_ahead: 0,
            silent_until: [None; 3],
            steps: 0,
            trace,
            hash: 0xcbf2_9ce4_8422_2325,
        };
        World(Arc::new(Shared { state: Mutex::new(state), began: Instant::now() }))
    }

    /// Returns a world without delays.
    pub fn calm() -> World {
        let world = World::new(0, Trace::Off);
        world.state().calm = true;
        world
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.0.state)
    }

    /// Returns a number from 0 to `end - 1`. Panics if `end` is 0.
    pub fn below(&self, end: u64) -> u64 {
        self.state().random.below(end)
    }

    /// Returns true with a probability of `per_mille` / 1000.
    pub fn chance(&self, per_mille: u64) -> bool {
        self.state().random.chance(per_mille)
    }

    /// Sets the probability, in thousandths, with which [`World::fails`] returns true.
    pub fn set_failure_rate(&self, failures_per_mille: u64) {
        self.state().failures_per_mille = failures_per_mille;
    }

    /// Returns whether the next operation fails.
    pub fn fails(&self) -> bool {
        let mut state = self.state();
        let per_mille = state.failures_per_mille;
        let fails = per_mille > 0 && state.random.chance(per_mille);
        state.failures += u64::from(fails);
        fails
    }

    /// Returns the number of operations that failed.
    pub fn failures(&self) -> u64 {
        self.state().failures
    }

    /// Silences a backend for a while. Requests and replies in transit arrive afterwards.
    pub fn silence(&self, server: Server, duration: Duration) {
        self.state().silent_until[server as usize] = Some(Instant::now() + duration);
    }

    pub fn is_silent(&self, server: Server) -> bool {
        self.state().silent_until[server as usize].is_some_and(|until| until > Instant::now())
    }

    /// Waits while a backend is silent.
    pub async fn wait_until_responsive(&self, server: Server) {
        let until = self.state().silent_until[server as usize];
        if let Some(until) = until {
            sleep_until(until).await;
        }
    }

    /// Returns the milliseconds since the start of the schedule.
    pub fn elapsed(&self) -> u64 {
        u64::try_from(self.0.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// Returns the time of the Redis clock, in milliseconds since 1970.
    pub fn clock(&self) -> u64 {
        AT.0.unsigned_abs() + self.elapsed() + self.state().clock_ahead
    }

    /// Sets by how much the clock of Redis is ahead.
    pub fn set_clock_ahead(&self, ahead: Duration) {
        self.state().clock_ahead = u64::try_from(ahead.as_millis()).unwrap_or(u64::MAX);
    }

    /// Ends a step: waits for a random time, so that other tasks may run first.
    pub async fn pause(&self) {
        let pause = {
            let mut state = self.state();
            if state.calm {
                return;
            }
            state.steps += 1;
            assert!(state.steps < MAX_STEPS, "the schedule does not end");
            match state.random.below(100) {
                0..35 => Pause::None,
                35..50 => Pause::Yield,
                50..97 => Pause::Sleep(1 + state.random.below(7)),
                _ => Pause::Sleep(state.random.below(400)),
            }
        };
        match pause {
            Pause::None => {}
            Pause::Yield => tokio::task::yield_now().await,
            Pause::Sleep(ms) => sleep(Duration::from_millis(ms)).await,
        }
    }

    #[allow(clippy::print_stdout, reason = "a printed trace was requested")]
    pub fn trace(&self, what: fmt::Arguments<'_>) {
        let mut state = self.state();
        if state.trace == Trace::Off {
            return;
        }
        let line = format!("{:>7} ms  {what}", self.elapsed());
        for byte in line.bytes() {
            state.hash = (state.hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        if state.trace == Trace::Printed {
            println!("{line}");
        }
    }

    /// Returns the number of steps and the hash of the trace.
    pub fn steps_and_hash(&self) -> (u64, u64) {
        let state = self.state();
        (state.steps, state.hash)
    }
}
