//! Load shedding: the ingress refuses new commands while the portal is overloaded.
//!
//! It starts before the backlog is so long that outcomes come too late to be useful, and before the backend
//! of the streams runs out of memory, when it would refuse the writes of the writer as well.
//!
//! One task samples the load; requests only read a flag. Shedding ends clearly below the limit at which it
//! starts, so that it does not start and end with every command.

use crate::instrumentation;
use crate::ports::commands::load_probe::{Load, LoadProbe};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use worker_runtime::Supervisor;

/// Interval at which the load is sampled.
const SAMPLE_INTERVAL: Duration = Duration::from_millis(500);

/// Limits of the load. Shedding starts when one of them is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoadLimits {
    /// Number of commands without an outcome.
    pub undecided: u64,
    pub memory_percent: u64,
}

/// Reason new commands are refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overload {
    /// Too many commands have no outcome yet.
    Backlog { undecided: u64, limit: u64 },
    /// The backend of the streams is short of memory.
    Memory,
}

impl Overload {
    /// Evaluates a sample. An overload starts at a limit and ends a tenth below it.
    fn evaluate(limits: LoadLimits, load: Load, before: Option<Overload>) -> Option<Overload> {
        let exceeds = |value: u64, limit: u64, is_overloaded: bool| {
            if is_overloaded { value > limit - limit / 10 } else { value >= limit }
        };
        let memory = before == Some(Overload::Memory);
        if exceeds(load.memory_percent, limits.memory_percent, memory) {
            return Some(Overload::Memory);
        }
        let backlog = matches!(before, Some(Overload::Backlog { .. }));
        let (undecided, limit) = (load.undecided, limits.undecided);
        exceeds(undecided, limit, backlog).then_some(Overload::Backlog { undecided, limit })
    }

    /// Returns the value of the metric label `reason`.
    pub fn name(self) -> &'static str {
        match self {
            Overload::Backlog { .. } => "backlog",
            Overload::Memory => "memory",
        }
    }
}

/// Current overload, shared by all clones.
#[derive(Clone, Debug, Default)]
pub struct LoadShedder(Arc<State>);

#[derive(Debug, Default)]
struct State {
    active: AtomicBool,
    overload: Mutex<Option<Overload>>,
}

impl LoadShedder {
    /// Returns why new commands must be refused; none if they must not.
    pub fn overload(&self) -> Option<Overload> {
        // The common case reads only the flag.
        if self.0.active.load(Ordering::Relaxed) { self.current() } else { None }
    }

    fn current(&self) -> Option<Overload> {
        *self.0.overload.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, overload: Option<Overload>) {
        *self.0.overload.lock().unwrap_or_else(PoisonError::into_inner) = overload;
        self.0.active.store(overload.is_some(), Ordering::Relaxed);
    }
}

/// Samples the load until shutdown. While the backend is unavailable, the last result stays in force.
pub async fn run_load_monitor(
    mut probe: impl LoadProbe,
    limits: LoadLimits,
    shedder: LoadShedder,
    supervisor: Supervisor,
) {
    while !supervisor.stopping() {
        let Some(load) = supervisor.attempt(probe.sample()).await else { continue };
        instrumentation::load_sampled(load);
        let before = shedder.current();
        let now = Overload::evaluate(limits, load, before);
        match (before, now) {
            (None, Some(overload)) => {
                tracing::warn!(
                    reason = overload.name(),
                    ?load,
                    "load shedding started, refusing new commands"
                );
            }
            (Some(_), None) => tracing::info!(?load, "load shedding ended"),
            _ => {}
        }
        instrumentation::load_shedding_active(now.is_some());
        shedder.set(now);
        supervisor.sleep(SAMPLE_INTERVAL).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: LoadLimits = LoadLimits { undecided: 100, memory_percent: 80 };

    fn evaluate(undecided: u64, memory_percent: u64, before: Option<Overload>) -> Option<Overload> {
        Overload::evaluate(LIMITS, Load { undecided, memory_percent }, before)
    }

    #[test]
    fn load_shedding_starts_at_a_limit_and_ends_a_tenth_below_it() {
        let full = Some(Overload::Backlog { undecided: 100, limit: 100 });
        assert_eq!(evaluate(99, 79, None), None);
        assert_eq!(evaluate(100, 79, None), full);
        assert_eq!(evaluate(91, 0, full), Some(Overload::Backlog { undecided: 91, limit: 100 }));
        assert_eq!(evaluate(90, 0, full), None);
        assert_eq!(evaluate(0, 80, None), Some(Overload::Memory));
        assert_eq!(evaluate(0, 73, Some(Overload::Memory)), Some(Overload::Memory));
        assert_eq!(evaluate(0, 72, Some(Overload::Memory)), None);
        assert_eq!(evaluate(95, 72, Some(Overload::Memory)), None, "each has a limit of its own");
    }

    #[test]
    fn load_shedder_returns_the_last_overload() {
        let shedder = LoadShedder::default();
        assert_eq!(shedder.overload(), None);
        shedder.clone().set(Some(Overload::Memory));
        assert_eq!(shedder.overload(), Some(Overload::Memory));
        shedder.set(None);
        assert_eq!(shedder.overload(), None);
    }
}
