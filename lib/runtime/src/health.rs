//! What a process says of itself: which of its parts work, and which wait for a server and why.
//!
//! A part is ready once it has done something, and again after each success; it is not while it waits.
//! Asking never takes more than a lock held for a moment.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The health of a process. Clones speak of the same.
#[derive(Clone, Debug, Default)]
pub struct Health {
    checks: Arc<Mutex<BTreeMap<String, HealthStatus>>>,
    draining: Arc<AtomicBool>,
}

/// How a process is at a moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HealthReport {
    /// It finishes what is in hand and ends.
    pub draining: bool,
    /// How each part is, by name.
    pub parts: BTreeMap<String, HealthStatus>,
}

impl HealthReport {
    /// Whether everything that has begun works, and the process goes on.
    pub fn is_ready(&self) -> bool {
        !self.draining && self.parts.values().all(|condition| *condition == HealthStatus::Up)
    }
}

/// How a part is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HealthStatus {
    /// It has begun and not done anything yet.
    Starting,
    /// It works.
    Up,
    /// It waits for a server, and tries again without end.
    Waiting {
        /// Why.
        reason: String,
        /// How many times it has tried.
        attempts: u32,
    },
}

/// One part of a process: a lane, a follower, the ingress. It is forgotten when this is dropped.
#[derive(Debug)]
pub struct HealthHandle {
    health: Health,
    name: String,
}

impl Health {
    /// A part that starts. Its name is shown to operators: `writer 07`.
    pub fn register(&self, name: impl Into<String>) -> HealthHandle {
        let part = HealthHandle { health: self.clone(), name: name.into() };
        part.set(HealthStatus::Starting);
        part
    }

    /// How it is now.
    pub fn report(&self) -> HealthReport {
        HealthReport { draining: self.draining.load(Ordering::Relaxed), parts: self.lock().clone() }
    }

    /// The process finishes what is in hand and ends: from now on it is not ready, whatever works.
    pub fn set_draining(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, HealthStatus>> {
        // A map is whole after every step: a panic elsewhere does no harm to it.
        self.checks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl HealthHandle {
    /// It has done something.
    pub fn set_up(&self) {
        let mut parts = self.health.lock();
        match parts.get_mut(&self.name) {
            Some(condition) => *condition = HealthStatus::Up,
            None => drop(parts.insert(self.name.clone(), HealthStatus::Up)),
        }
    }

    /// It waits for a server.
    pub fn set_waiting(&self, why: impl Display, attempts: u32) {
        self.set(HealthStatus::Waiting { reason: why.to_string(), attempts });
    }

    fn set(&self, condition: HealthStatus) {
        self.health.lock().insert(self.name.clone(), condition);
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
    fn a_process_is_ready_when_all_that_has_begun_works() {
        let health = Health::default();
        assert!(health.report().is_ready(), "nothing has begun");
        let (one, two) = (health.register("lane 00"), health.register("lane 01"));
        one.set_up();
        assert!(!health.report().is_ready(), "lane 01 has not done anything");
        two.set_waiting("postgres: connection refused", 3);
        let waits = HealthStatus::Waiting { reason: "postgres: connection refused".to_owned(), attempts: 3 };
        let expected = [("lane 00".to_owned(), HealthStatus::Up), ("lane 01".to_owned(), waits)];
        assert_eq!(health.report().parts, BTreeMap::from(expected));
        two.set_up();
        assert!(health.report().is_ready());
        two.set_waiting("again", 1);
        drop(two);
        assert!(health.report().is_ready(), "what has ended is not waited for");
        health.set_draining();
        let HealthReport { draining, parts } = health.report();
        assert!(draining && parts["lane 00"] == HealthStatus::Up, "it works, and will not for long");
        assert!(!health.report().is_ready());
    }
}
