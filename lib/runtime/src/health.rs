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
    parts: Arc<Mutex<BTreeMap<String, Condition>>>,
    draining: Arc<AtomicBool>,
}

/// How a process is at a moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// It finishes what is in hand and ends.
    pub draining: bool,
    /// How each part is, by name.
    pub parts: BTreeMap<String, Condition>,
}

impl Report {
    /// Whether everything that has begun works, and the process goes on.
    pub fn is_ready(&self) -> bool {
        !self.draining && self.parts.values().all(|condition| *condition == Condition::Works)
    }
}

/// How a part is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// It has begun and not done anything yet.
    Starting,
    /// It works.
    Works,
    /// It waits for a server, and tries again without end.
    Waits {
        /// Why.
        why: String,
        /// How many times it has tried.
        attempts: u32,
    },
}

/// One part of a process: a lane, a follower, the ingress. It is forgotten when this is dropped.
#[derive(Debug)]
pub struct Part {
    health: Health,
    name: String,
}

impl Health {
    /// A part that starts. Its name is shown to operators: `writer 07`.
    pub fn part(&self, name: impl Into<String>) -> Part {
        let part = Part { health: self.clone(), name: name.into() };
        part.is(Condition::Starting);
        part
    }

    /// How it is now.
    pub fn report(&self) -> Report {
        Report { draining: self.draining.load(Ordering::Relaxed), parts: self.lock().clone() }
    }

    /// The process finishes what is in hand and ends: from now on it is not ready, whatever works.
    pub fn drains(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Condition>> {
        // A map is whole after every step: a panic elsewhere does no harm to it.
        self.parts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Part {
    /// It has done something.
    pub fn works(&self) {
        let mut parts = self.health.lock();
        match parts.get_mut(&self.name) {
            Some(condition) => *condition = Condition::Works,
            None => drop(parts.insert(self.name.clone(), Condition::Works)),
        }
    }

    /// It waits for a server.
    pub fn waits(&self, why: impl Display, attempts: u32) {
        self.is(Condition::Waits { why: why.to_string(), attempts });
    }

    fn is(&self, condition: Condition) {
        self.health.lock().insert(self.name.clone(), condition);
    }
}

impl Drop for Part {
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
        let (one, two) = (health.part("lane 00"), health.part("lane 01"));
        one.works();
        assert!(!health.report().is_ready(), "lane 01 has not done anything");
        two.waits("postgres: connection refused", 3);
        let waits = Condition::Waits { why: "postgres: connection refused".to_owned(), attempts: 3 };
        let expected = [("lane 00".to_owned(), Condition::Works), ("lane 01".to_owned(), waits)];
        assert_eq!(health.report().parts, BTreeMap::from(expected));
        two.works();
        assert!(health.report().is_ready());
        two.waits("again", 1);
        drop(two);
        assert!(health.report().is_ready(), "what has ended is not waited for");
        health.drains();
        let Report { draining, parts } = health.report();
        assert!(draining && parts["lane 00"] == Condition::Works, "it works, and will not for long");
        assert!(!health.report().is_ready());
    }
}
