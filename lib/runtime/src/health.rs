//! Health of a process: which of its parts make progress, and which wait for a backend and why.
//!
//! A part is up after each success, until it has made no progress for too long: then it is stalled, whatever
//! blocks it. Only the task of the part records progress, after its work. A part without work records it at
//! least every few seconds. Reading the health only takes a short lock.

mod watch;

pub use watch::watch;

use std::collections::BTreeMap;
use std::fmt::{self, Display};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// Default of the time after which a part without progress is stalled.
const MAX_STALL: Duration = Duration::from_secs(10);

/// Time that a part may take for its work, in addition to the time that it waits for work.
const WORK_MARGIN: Duration = Duration::from_secs(5);

/// Health of a process. All clones share the same state.
#[derive(Clone, Debug)]
pub struct Health(Arc<State>);

#[derive(Debug)]
struct State {
    parts: Mutex<BTreeMap<String, Part>>,
    draining: AtomicBool,
    max_stall: Duration,
}

#[derive(Debug)]
struct Part {
    status: HealthStatus,
    last_progress: Option<Instant>,
    /// Time since when the part was not up.
    not_up_since: Instant,
    /// Longest time without progress after which the part still counts as up.
    max_stall: Duration,
}

/// Health of a process at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HealthReport {
    /// Whether the process finishes its work in progress and will exit.
    pub draining: bool,
    /// State of each part by name.
    pub checks: BTreeMap<String, HealthCheck>,
}

impl HealthReport {
    /// Whether every part is up and the process is not draining.
    pub fn is_ready(&self) -> bool {
        !self.draining && self.checks.values().all(|check| check.status == HealthStatus::Up)
    }
}

/// State of a part of a process at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HealthCheck {
    /// Status of the part, stalled included.
    pub status: HealthStatus,
    /// Time since the part last did what it is for; none if it never did.
    pub since_progress: Option<Duration>,
    /// Time since the part was last up; none if it is.
    pub not_up_for: Option<Duration>,
}

impl From<HealthStatus> for HealthCheck {
    fn from(status: HealthStatus) -> HealthCheck {
        HealthCheck { status, since_progress: None, not_up_for: None }
    }
}

/// Status of a part of a process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HealthStatus {
    /// The part has started and has not succeeded yet.
    Starting,
    /// The last operation of the part succeeded.
    Up,
    /// The part waits for a backend, and retries without limit.
    Waiting {
        /// Error of the last attempt.
        reason: String,
        /// Number of failed attempts since the last success.
        attempts: u32,
    },
    /// The part was up, and has made no progress since: it is blocked.
    Stalled,
}

impl HealthStatus {
    /// Returns the name of the status, as `/readyz` shows it.
    pub fn name(&self) -> &'static str {
        match self {
            HealthStatus::Starting => "starting",
            HealthStatus::Up => "up",
            HealthStatus::Waiting { .. } => "waiting",
            HealthStatus::Stalled => "stalled",
        }
    }
}

impl Display for HealthStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            HealthStatus::Waiting { reason, attempts } => {
                write!(f, "waiting after {attempts} failed attempts: {reason}")
            }
            status => f.write_str(status.name()),
        }
    }
}

/// Registration of a part of a process, such as a partition writer. Dropping it removes the part from the
/// report.
#[derive(Debug)]
pub struct HealthHandle {
    health: Health,
    name: String,
}

impl Default for Health {
    fn default() -> Health {
        Health::new(MAX_STALL)
    }
}

impl Health {
    /// Returns the health of a process whose parts are stalled after `max_stall` without progress.
    pub fn new(max_stall: Duration) -> Health {
        Health(Arc::new(State { parts: Mutex::default(), draining: AtomicBool::new(false), max_stall }))
    }

    /// Registers a part with status [`HealthStatus::Starting`]. Operators see the name, such as `writer 07`.
    pub fn register(&self, name: impl Into<String>) -> HealthHandle {
        let (status, max_stall) = (HealthStatus::Starting, self.0.max_stall);
        let part = Part { status, last_progress: None, not_up_since: Instant::now(), max_stall };
        let name = name.into();
        self.lock().insert(name.clone(), part);
        HealthHandle { health: self.clone(), name }
    }

    /// Returns the current health.
    pub fn report(&self) -> HealthReport {
        let now = Instant::now();
        let checks = self.lock().iter().map(|(name, part)| (name.clone(), part.check(now))).collect();
        HealthReport { draining: self.0.draining.load(Ordering::Relaxed), checks }
    }

    /// Marks the process as draining: it is not ready any more, whatever the status of its parts.
    pub fn set_draining(&self) {
        self.0.draining.store(true, Ordering::Relaxed);
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Part>> {
        // The map is consistent after every operation, so a panic of another holder does no harm.
        self.0.parts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Part {
    fn check(&self, now: Instant) -> HealthCheck {
        let since_progress = self.last_progress.map(|at| now.saturating_duration_since(at));
        let is_stalled = since_progress.is_some_and(|since| since > self.max_stall);
        let (status, not_up_for) = match &self.status {
            HealthStatus::Up if is_stalled => (HealthStatus::Stalled, since_progress),
            HealthStatus::Up => (HealthStatus::Up, None),
            other => (other.clone(), Some(now.saturating_duration_since(self.not_up_since))),
        };
        HealthCheck { status, since_progress, not_up_for }
    }
}

impl HealthHandle {
    /// Declares the longest time that the part waits until it does something. It is stalled a few seconds
    /// after that at the earliest.
    pub fn set_interval(&self, interval: Duration) {
        self.change(|part, max_stall| part.max_stall = max_stall.max(interval + WORK_MARGIN));
    }

    /// Reports that the last operation succeeded.
    pub fn set_up(&self) {
        self.change(|part, _| {
            part.status = HealthStatus::Up;
            part.last_progress = Some(Instant::now());
        });
    }

    /// Reports progress of an operation that is not complete yet.
    pub fn set_progress(&self) {
        self.change(|part, _| part.last_progress = Some(Instant::now()));
    }

    /// Reports a failed attempt: the part waits for a backend.
    pub fn set_waiting(&self, error: impl Display) {
        self.change(|part, _| {
            let before = match part.status {
                HealthStatus::Waiting { attempts, .. } => attempts,
                HealthStatus::Starting => 0,
                HealthStatus::Up | HealthStatus::Stalled => {
                    part.not_up_since = Instant::now();
                    0
                }
            };
            let attempts = before.saturating_add(1);
            part.status = HealthStatus::Waiting { reason: error.to_string(), attempts };
        });
    }

    /// Returns the name of the part.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Changes the part. The second argument is the default of its `max_stall`.
    fn change(&self, change: impl FnOnce(&mut Part, Duration)) {
        if let Some(part) = self.health.lock().get_mut(&self.name) {
            change(part, self.health.0.max_stall);
        }
    }
}

impl Drop for HealthHandle {
    fn drop(&mut self) {
        self.health.lock().remove(&self.name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status_of(health: &Health, name: &str) -> HealthStatus {
        health.report().checks[name].status.clone()
    }

    #[test]
    fn process_is_ready_when_all_its_parts_are_up() {
        let health = Health::default();
        assert!(health.report().is_ready(), "no parts");
        let (one, two) = (health.register("writer 00"), health.register("writer 01"));
        one.set_up();
        assert!(!health.report().is_ready(), "writer 01 is starting");
        two.set_waiting("postgres: timed out");
        two.set_waiting("postgres: connection refused");
        let waiting =
            HealthStatus::Waiting { reason: "postgres: connection refused".to_owned(), attempts: 2 };
        assert_eq!(status_of(&health, "writer 00"), HealthStatus::Up);
        assert_eq!(status_of(&health, "writer 01"), waiting);
        two.set_up();
        assert!(health.report().is_ready());
        two.set_waiting("again");
        drop(two);
        assert!(health.report().is_ready(), "dropped parts do not count");
        health.set_draining();
        assert!(health.report().draining && status_of(&health, "writer 00") == HealthStatus::Up);
        assert!(!health.report().is_ready(), "draining");
    }

    #[tokio::test(start_paused = true)]
    async fn part_is_stalled_without_progress() {
        let health = Health::new(Duration::from_secs(10));
        let (part, slow) = (health.register("writer 00"), health.register("retention"));
        slow.set_interval(Duration::from_secs(60));
        part.set_up();
        slow.set_up();
        tokio::time::advance(Duration::from_secs(8)).await;
        part.set_progress();
        tokio::time::advance(Duration::from_secs(10)).await;
        assert!(health.report().is_ready());
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(status_of(&health, "writer 00"), HealthStatus::Stalled);
        assert_eq!(health.report().checks["writer 00"].since_progress, Some(Duration::from_secs(11)));
        assert_eq!(status_of(&health, "retention"), HealthStatus::Up, "it does something once a minute");
        part.set_up();
        assert!(health.report().is_ready());
        part.set_waiting("postgres: timed out");
        part.set_progress();
        assert!(!health.report().is_ready(), "progress alone ends no failure");
    }
}
