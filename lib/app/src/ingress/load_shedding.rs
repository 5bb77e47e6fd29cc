//! Refusing new commands in time: before the backlog is so long that its outcomes help nobody, and before the
//! streams' server has no memory left, at which it would refuse what is decided as well.
//!
//! One task looks now and then; a request only reads a flag. What began is over when there is clearly less again, so
//! that it does not come and go with every command.

use crate::instrumentation;
use crate::ports::commands::load_probe::{Load, LoadProbe};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use worker_runtime::health::HealthHandle;
use worker_runtime::shutdown::ShutdownSignal;

/// How often somebody looks.
const EVERY: Duration = Duration::from_millis(500);

/// What is too much.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoadLimits {
    /// So many undecided commands.
    pub undecided: u64,
    /// So many percent of the memory.
    pub memory_percent: u64,
}

/// Why new commands are refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overload {
    /// Too many commands wait.
    Backlog {
        /// So many.
        undecided: u64,
        /// The limit.
        at_most: u64,
    },
    /// Memory runs short.
    Memory,
}

impl Overload {
    /// What is said, when it was like `before` until now. It begins at a limit, and ends a tenth below it.
    fn evaluate(limits: LoadLimits, pressure: Load, before: Option<Overload>) -> Option<Overload> {
        let passed = |value: u64, limit: u64, goes_on: bool| {
            if goes_on { value > limit - limit / 10 } else { value >= limit }
        };
        let memory = before == Some(Overload::Memory);
        if passed(pressure.memory_percent, limits.memory_percent, memory) {
            return Some(Overload::Memory);
        }
        let backlog = matches!(before, Some(Overload::Backlog { .. }));
        let (undecided, at_most) = (pressure.undecided, limits.undecided);
        passed(undecided, at_most, backlog).then_some(Overload::Backlog { undecided, at_most })
    }

    /// Its name among the labels of metrics.
    pub fn name(self) -> &'static str {
        match self {
            Overload::Backlog { .. } => "backlog",
            Overload::Memory => "memory",
        }
    }
}

/// Whether new commands are refused. Clones speak of the same.
#[derive(Clone, Debug, Default)]
pub struct LoadShedder(Arc<State>);

#[derive(Debug, Default)]
struct State {
    on: AtomicBool,
    why: Mutex<Option<Overload>>,
}

impl LoadShedder {
    /// Why they are, if they are.
    pub fn overload(&self) -> Option<Overload> {
        // Nearly always not, and then this is all.
        if self.0.on.load(Ordering::Relaxed) { self.why() } else { None }
    }

    fn why(&self) -> Option<Overload> {
        *self.0.why.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, why: Option<Overload>) {
        *self.0.why.lock().unwrap_or_else(PoisonError::into_inner) = why;
        self.0.on.store(why.is_some(), Ordering::Relaxed);
    }
}

/// Looks now and then until it is time to stop. While nobody can look, it stays as it was.
pub async fn run_load_monitor(
    mut pressures: impl LoadProbe,
    limits: LoadLimits,
    shedding: LoadShedder,
    health: &HealthHandle,
    mut stop: ShutdownSignal,
) {
    let mut attempts = 0;
    while !stop.requested() {
        match pressures.sample().await {
            Ok(pressure) => {
                attempts = 0;
                health.set_up();
                instrumentation::pressure(pressure);
                let before = shedding.why();
                let now = Overload::evaluate(limits, pressure, before);
                match (before, now) {
                    (None, Some(why)) => {
                        tracing::warn!(why = why.name(), ?pressure, "new commands are refused for now");
                    }
                    (Some(_), None) => tracing::info!(?pressure, "new commands are taken again"),
                    _ => {}
                }
                instrumentation::load_shedding_active(now.is_some());
                shedding.set(now);
            }
            Err(error) => {
                attempts += 1;
                health.set_waiting(error, attempts);
            }
        }
        stop.sleep(EVERY).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: LoadLimits = LoadLimits { undecided: 100, memory_percent: 80 };

    fn judge(undecided: u64, memory_percent: u64, before: Option<Overload>) -> Option<Overload> {
        Overload::evaluate(LIMITS, Load { undecided, memory_percent }, before)
    }

    #[test]
    fn refusing_begins_at_a_limit_and_ends_clearly_below_it() {
        let full = Some(Overload::Backlog { undecided: 100, at_most: 100 });
        assert_eq!(judge(99, 79, None), None);
        assert_eq!(judge(100, 79, None), full);
        assert_eq!(judge(91, 0, full), Some(Overload::Backlog { undecided: 91, at_most: 100 }));
        assert_eq!(judge(90, 0, full), None);
        assert_eq!(judge(0, 80, None), Some(Overload::Memory));
        assert_eq!(judge(0, 73, Some(Overload::Memory)), Some(Overload::Memory));
        assert_eq!(judge(0, 72, Some(Overload::Memory)), None);
        assert_eq!(judge(95, 72, Some(Overload::Memory)), None, "each has a limit of its own");
    }

    #[test]
    fn what_is_set_is_said() {
        let shedding = LoadShedder::default();
        assert_eq!(shedding.overload(), None);
        shedding.clone().set(Some(Overload::Memory));
        assert_eq!(shedding.overload(), Some(Overload::Memory));
        shedding.set(None);
        assert_eq!(shedding.overload(), None);
    }
}
