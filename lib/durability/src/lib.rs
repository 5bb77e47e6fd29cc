//! Whether the servers keep what they acknowledge.
//!
//! An accepted command is on disk only if the server is set up that way. Every process asks at its start,
//! and on every new connection: a server may have been replaced or set up anew under it. What it finds and
//! nobody allowed by name ends the process; nothing is made weaker in silence.

use serde::Deserialize;
use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use thiserror::Error;
use tokio::sync::watch;

/// A way for a server to lose what it acknowledged. These are all that are looked for.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, PartialOrd, Ord)]
#[serde(try_from = "String")]
pub enum DurabilityRisk {
    /// Redis keeps nothing on disk but a snapshot now and then, or not even that.
    RedisAppendonlyNo,
    /// Redis writes to disk once a second: a power cut loses the last second.
    RedisAppendfsyncEverysec,
    /// Redis leaves it to the system when to write to disk.
    RedisAppendfsyncNo,
    /// Redis does not write to disk while it rewrites its append-only file.
    RedisNoAppendfsyncOnRewrite,
    /// Redis throws keys away when its memory is full.
    RedisEviction,
    /// Redis does not say how it is set up, as managed ones often do not.
    RedisUnchecked,
    /// Postgres does not write to disk.
    PostgresFsyncOff,
    /// Postgres cannot mend a page that was half written.
    PostgresFullPageWritesOff,
    /// Postgres acknowledges a commit before it is on disk.
    PostgresSynchronousCommitOff,
}

impl DurabilityRisk {
    /// All of them.
    pub const ALL: [DurabilityRisk; 9] = [
        DurabilityRisk::RedisAppendonlyNo,
        DurabilityRisk::RedisAppendfsyncEverysec,
        DurabilityRisk::RedisAppendfsyncNo,
        DurabilityRisk::RedisNoAppendfsyncOnRewrite,
        DurabilityRisk::RedisEviction,
        DurabilityRisk::RedisUnchecked,
        DurabilityRisk::PostgresFsyncOff,
        DurabilityRisk::PostgresFullPageWritesOff,
        DurabilityRisk::PostgresSynchronousCommitOff,
    ];

    /// The name by which operators allow it.
    pub fn name(self) -> &'static str {
        match self {
            DurabilityRisk::RedisAppendonlyNo => "redis_appendonly_no",
            DurabilityRisk::RedisAppendfsyncEverysec => "redis_appendfsync_everysec",
            DurabilityRisk::RedisAppendfsyncNo => "redis_appendfsync_no",
            DurabilityRisk::RedisNoAppendfsyncOnRewrite => "redis_no_appendfsync_on_rewrite",
            DurabilityRisk::RedisEviction => "redis_eviction",
            DurabilityRisk::RedisUnchecked => "redis_unchecked",
            DurabilityRisk::PostgresFsyncOff => "postgres_fsync_off",
            DurabilityRisk::PostgresFullPageWritesOff => "postgres_full_page_writes_off",
            DurabilityRisk::PostgresSynchronousCommitOff => "postgres_synchronous_commit_off",
        }
    }
}

/// There is no weakness of that name.
#[derive(Debug, Error)]
#[error("`{name}` is no weakness that is known; these are: {}", DurabilityRisk::ALL.map(DurabilityRisk::name).join(", "))]
pub struct UnknownRisk {
    name: String,
}

impl TryFrom<String> for DurabilityRisk {
    type Error = UnknownRisk;

    fn try_from(name: String) -> Result<DurabilityRisk, UnknownRisk> {
        let known = DurabilityRisk::ALL.into_iter().find(|weakness| weakness.name() == name);
        known.ok_or(UnknownRisk { name })
    }
}

/// A weakness that a server has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Which.
    pub weakness: DurabilityRisk,
    /// What the server says: "redis: appendfsync is everysec".
    pub found: String,
    /// What to type, and where: "in redis.conf `appendfsync always`".
    pub fix: String,
}

/// A server can lose what it acknowledged, and nobody said that it may.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub struct InsufficientDurability {
    /// In what ways, of those that are not allowed.
    pub findings: Vec<Finding>,
}

impl fmt::Display for InsufficientDurability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a server can lose what it acknowledged:")?;
        for Finding { weakness, found, fix: mend } in &self.findings {
            let name = weakness.name();
            write!(f, "\n  {found}. Change it: {mend}. Or allow it: {name:?} in `allow_weak_durability`.")?;
        }
        Ok(())
    }
}

/// What this process allows, and what it has met. Clones speak of the same.
#[derive(Clone, Debug)]
pub struct Durability {
    allowed: Arc<BTreeSet<DurabilityRisk>>,
    /// Allowed ones that have been told of.
    told: Arc<Mutex<BTreeSet<DurabilityRisk>>>,
    met: watch::Sender<Vec<Finding>>,
}

impl Durability {
    /// Allows these.
    pub fn allowing(allowed: impl IntoIterator<Item = DurabilityRisk>) -> Durability {
        Durability {
            allowed: Arc::new(allowed.into_iter().collect()),
            told: Arc::default(),
            met: watch::Sender::new(Vec::new()),
        }
    }

    /// Judges what a server said on a new connection: one that is too weak is not to be used. Whoever
    /// waits in [`Durability::broken`] hears of it; what is allowed is logged once.
    pub fn check(&self, findings: Vec<Finding>) -> Result<(), InsufficientDurability> {
        let (allowed, findings): (Vec<_>, Vec<_>) =
            findings.into_iter().partition(|finding| self.allowed.contains(&finding.weakness));
        // A set is whole after every step: a panic elsewhere does no harm to it.
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        for Finding { weakness, found, fix: mend } in allowed {
            if told.insert(weakness) {
                let weakness = weakness.name();
                tracing::warn!(weakness, found, mend, "what is acknowledged can be lost, which is allowed");
            }
        }
        if findings.is_empty() {
            return Ok(());
        }
        self.met.send_modify(|met| {
            met.extend(findings.iter().filter(|finding| !met.contains(finding)).cloned().collect::<Vec<_>>());
        });
        Err(InsufficientDurability { findings })
    }

    /// Everything that was met and is not allowed, if anything was.
    pub fn violation(&self) -> Option<InsufficientDurability> {
        let findings = self.met.borrow().clone();
        (!findings.is_empty()).then_some(InsufficientDurability { findings })
    }

    /// Waits until something is met that is not allowed.
    pub async fn wait_for_violation(&self) -> InsufficientDurability {
        let mut met = self.met.subscribe();
        // Whoever says it is in `self`, and so is not gone.
        let findings = met.wait_for(|met| !met.is_empty()).await.map(|met| met.clone()).unwrap_or_default();
        InsufficientDurability { findings }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(weakness: DurabilityRisk) -> Finding {
        Finding { weakness, found: "it is so".to_owned(), fix: "`make it otherwise`".to_owned() }
    }

    #[test]
    fn every_name_is_understood_and_an_unknown_one_is_answered_with_all_of_them() {
        for weakness in DurabilityRisk::ALL {
            assert_eq!(DurabilityRisk::try_from(weakness.name().to_owned()).unwrap(), weakness);
        }
        let refused = DurabilityRisk::try_from("redis_fsync".to_owned()).unwrap_err().to_string();
        assert!(
            refused.contains("`redis_fsync`") && refused.contains("redis_appendfsync_everysec"),
            "{refused}"
        );
    }

    #[tokio::test]
    async fn what_is_allowed_passes_and_anything_else_is_met_and_says_what_to_change() {
        let durability = Durability::allowing([DurabilityRisk::RedisAppendfsyncEverysec]);
        let found = || vec![finding(DurabilityRisk::RedisAppendfsyncEverysec)];
        assert_eq!(durability.check(found()), Ok(()));
        assert_eq!(durability.violation(), None);
        let more = found().into_iter().chain([finding(DurabilityRisk::RedisEviction)]).collect();
        let too_weak = durability.check(more).unwrap_err();
        assert_eq!(too_weak.findings, [finding(DurabilityRisk::RedisEviction)]);
        assert_eq!(
            durability.check(vec![finding(DurabilityRisk::PostgresFsyncOff)]).unwrap_err().findings.len(),
            1
        );
        assert_eq!(durability.wait_for_violation().await.findings.len(), 2, "of both servers");
        let text = too_weak.to_string();
        assert!(text.contains("`make it otherwise`") && text.contains("\"redis_eviction\""), "{text}");
    }
}
