//! What a process says of itself: which of its parts work, and which wait for a server and why.
//!
//! A part is ready once it has done something, and again after each success; it is not while it waits.
//! Asking never takes more than a lock held for a moment.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The health of a process. Clones speak of the same.
#[derive(Clone, Debug, Default)]
pub struct Health {
    parts: Arc<Mutex<BTreeMap<String, Condition>>>,
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

    /// How each part is, by name.
    pub fn report(&self) -> BTreeMap<String, Condition> {
        self.lock().clone()
    }

    /// Whether everything that has begun works.
    pub fn is_ready(&self) -> bool {
        self.lock().values().all(|condition| *condition == Condition::Works)
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
        assert!(health.is_ready(), "nothing has begun");
        let (one, two) = (health.part("lane 00"), health.part("lane 01"));
        one.works();
        assert!(!health.is_ready(), "lane 01 has not done anything");
        two.waits("postgres: connection refused", 3);
        let waits = Condition::Waits { why: "postgres: connection refused".to_owned(), attempts: 3 };
        let expected = [("lane 00".to_owned(), Condition::Works), ("lane 01".to_owned(), waits)];
        assert_eq!(health.report(), BTreeMap::from(expected));
        two.works();
        assert!(health.is_ready());
        two.waits("again", 1);
        drop(two);
        assert!(health.is_ready(), "what has ended is not waited for");
    }
}
