//! What everything in a schedule shares: one source of chance, the clock, what may fail, and a record of what happened.

use auction_testkit::fixtures::AT;
use auction_testkit::random::Random;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::{Instant, sleep, sleep_until};

/// Shared by all that takes part in a schedule.
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
    /// Until when each server says nothing.
    silent_until: [Option<Instant>; 3],
    steps: u64,
    trace: Trace,
    /// FNV-1a over all that was noted.
    hash: u64,
}

/// A schedule of more steps goes on without end: most have 2,000.
const WITHOUT_END: u64 = 1_000_000;

/// Who may say nothing for a while.
#[derive(Clone, Copy, Debug)]
pub enum Server {
    /// With the streams.
    Redis,
    /// With the events.
    Postgres,
    /// The same, to appends alone: somebody has a lock that they wait for.
    PostgresToAppends,
}

/// What is done with what is noted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trace {
    /// Nothing.
    Off,
    /// It goes into a hash.
    Hashed,
    /// It is hashed, and printed.
    Printed,
}

/// What one step waits for.
enum Moment {
    /// Nothing.
    None,
    /// Whoever else can go on does.
    Yield,
    /// Time.
    Sleep(u64),
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing that holds it can leave it half changed.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl World {
    /// By seed. Within a runtime whose time is paused.
    pub fn new(seed: u64, trace: Trace) -> World {
        let random = Random::new(seed);
        let (failures_per_mille, silent_until, steps, hash) = (0, [None; 3], 0, 0xcbf2_9ce4_8422_2325);
        let state = State { random, failures_per_mille, silent_until, steps, trace, hash };
        World(Arc::new(Shared { state: Mutex::new(state), began: Instant::now() }))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.0.state)
    }

    /// From zero to below `end`.
    pub fn below(&self, end: u64) -> u64 {
        self.state().random.below(end)
    }

    /// True so many times out of a thousand.
    pub fn chance(&self, per_mille: u64) -> bool {
        self.state().random.chance(per_mille)
    }

    /// From now on a step fails so many times out of a thousand.
    pub fn weather(&self, failures_per_mille: u64) {
        self.state().failures_per_mille = failures_per_mille;
    }

    /// Whether something fails now.
    pub fn fails(&self) -> bool {
        let mut state = self.state();
        let per_mille = state.failures_per_mille;
        per_mille > 0 && state.random.chance(per_mille)
    }

    /// For so long a server says nothing: what is on its way to it or back arrives afterwards.
    pub fn says_nothing(&self, server: Server, how_long: Duration) {
        self.state().silent_until[server as usize] = Some(Instant::now() + how_long);
    }

    /// Whether a server says nothing now.
    pub fn is_silent(&self, server: Server) -> bool {
        self.state().silent_until[server as usize].is_some_and(|until| until > Instant::now())
    }

    /// Waits while a server says nothing.
    pub async fn is_heard(&self, server: Server) {
        let until = self.state().silent_until[server as usize];
        if let Some(until) = until {
            sleep_until(until).await;
        }
    }

    /// Milliseconds since the beginning.
    pub fn elapsed(&self) -> u64 {
        u64::try_from(self.0.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// The time of Redis's clock, in milliseconds since 1970.
    pub fn clock(&self) -> u64 {
        AT.0.unsigned_abs() + self.elapsed()
    }

    /// A step of somebody ends here: others may go on first, for a while or for long.
    pub async fn moment(&self) {
        let moment = {
            let mut state = self.state();
            state.steps += 1;
            assert!(state.steps < WITHOUT_END, "it goes on without end");
            match state.random.below(100) {
                0..35 => Moment::None,
                35..50 => Moment::Yield,
                50..97 => Moment::Sleep(1 + state.random.below(7)),
                _ => Moment::Sleep(state.random.below(400)),
            }
        };
        match moment {
            Moment::None => {}
            Moment::Yield => tokio::task::yield_now().await,
            Moment::Sleep(ms) => sleep(Duration::from_millis(ms)).await,
        }
    }

    /// Notes what happened.
    #[allow(clippy::print_stdout, reason = "who asks for a trace wants to read it")]
    pub fn note(&self, what: fmt::Arguments<'_>) {
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

    /// How many steps there were, and the hash of what was noted.
    pub fn told(&self) -> (u64, u64) {
        let state = self.state();
        (state.steps, state.hash)
    }
}
