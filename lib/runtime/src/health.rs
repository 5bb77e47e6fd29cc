//! Health of a process: which of its parts are up, and which wait for a backend and why.
//!
//! A part is up after its first success and after each later one. It is not up while it waits for a backend.
//! Reading the health only takes a short lock.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Health of a process. All clones share the same state.
#[derive(Clone, Debug, Default)]
pub struct Health {
    checks: Arc<Mutex<BTreeMap<String, HealthStatus>>>,
    draining: Arc<AtomicBool>,
}

/// Health of a process at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HealthReport {
    /// Whether the process finishes its work in progress and will exit.
    pub draining: bool,
    /// Status of each part by name.
    pub checks: BTreeMap<String, HealthStatus>,
}

impl HealthReport {
    /// Whether every part is up and the process is not draining.
    pub fn is_ready(&self) -> bool {
        !self.draining && self.checks.values().all(|status| *status == HealthStatus::Up)
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
}

/// Registration of a part of a process, such as a partition writer. Dropping it removes the part from the
/// report.
#[derive(Debug)]
pub struct HealthHandle {
    health: Health,
    name: String,
}

impl Health {
    /// Registers a part with status [`HealthStatus::Starting`]. Operators see the name, such as `writer 07`.
    pub fn register(&self, name: impl Into<String>) -> HealthHandle {
        let handle = HealthHandle { health: self.clone(), name: name.into() };
        handle.set(HealthStatus::Starting);
        handle
    }

    /// Returns the current health.
    pub fn report(&self) -> HealthReport {
        HealthReport { draining: self.draining.load(Ordering::Relaxed), checks: self.lock().clone() }
    }

    /// Marks the process as draining: it is not ready any more, whatever the status of its parts.
    pub fn set_draining(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, HealthStatus>> {
        // The map is consistent after every operation, so a panic of another holder does no harm.
        self.checks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl HealthHandle {
    /// Reports that the last operation succeeded.
    pub fn set_up(&self) {
        let mut checks = self.health.lock();
        match checks.get_mut(&self.name) {
            Some(status) => *status = HealthStatus::Up,
            None => drop(checks.insert(self.name.clone(), HealthStatus::Up)),
        }
    }

    /// Reports a failed attempt: the part waits for a backend.
    pub fn set_waiting(&self, error: impl Display) {
        let mut checks = self.health.lock();
        let before = match checks.get(&self.name) {
            Some(HealthStatus::Waiting { attempts, .. }) => *attempts,
            _ => 0,
        };
        let status = HealthStatus::Waiting { reason: error.to_string(), attempts: before.saturating_add(1) };
        checks.insert(self.name.clone(), status);
    }

    /// Returns the name of the part.
    pub fn name(&self) -> &str {
        &self.name
    }

    fn set(&self, status: HealthStatus) {
        self.health.lock().insert(self.name.clone(), status);
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
        let expected = [("writer 00".to_owned(), HealthStatus::Up), ("writer 01".to_owned(), waiting)];
        assert_eq!(health.report().checks, BTreeMap::from(expected));
        two.set_up();
        assert!(health.report().is_ready());
        two.set_waiting("again");
        drop(two);
        assert!(health.report().is_ready(), "dropped parts do not count");
        health.set_draining();
        let HealthReport { draining, checks } = health.report();
        assert!(draining && checks["writer 00"] == HealthStatus::Up);
        assert!(!health.report().is_ready(), "draining");
    }
}
