//! Durability checks: whether the backends keep the data that they acknowledge.
//!
//! An accepted command is on disk only if the backend is configured for it. Every process checks this at its
//! start and on every new connection, since a backend may be replaced or reconfigured at any time. A risk
//! that the operator has not allowed by name ends the process.

use serde::Deserialize;
use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use thiserror::Error;
use tokio::sync::watch;

/// Configuration of a backend with which acknowledged data can be lost. All of these are checked.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, PartialOrd, Ord)]
#[serde(try_from = "String")]
pub enum DurabilityRisk {
    /// Redis has no append-only file: at most occasional snapshots are on disk.
    RedisAppendonlyNo,
    /// Redis flushes to disk once a second: a power cut loses the last second.
    RedisAppendfsyncEverysec,
    /// Redis lets the operating system decide when to flush to disk.
    RedisAppendfsyncNo,
    /// Redis does not flush to disk while it rewrites its append-only file.
    RedisNoAppendfsyncOnRewrite,
    /// Redis evicts keys when its memory is full.
    RedisEviction,
    /// Redis does not disclose its configuration, as is common for managed services.
    RedisUnchecked,
    /// Postgres does not flush to disk.
    PostgresFsyncOff,
    /// Postgres cannot repair a page that was partly written.
    PostgresFullPageWritesOff,
    /// Postgres acknowledges a commit before it is on disk.
    PostgresSynchronousCommitOff,
    /// Redis acknowledges writes without a replica. Checked only if replication is required.
    RedisNoReplica,
    /// Postgres acknowledges a commit that is on one server only. Checked only if replication is required.
    PostgresNoSynchronousStandby,
}

impl DurabilityRisk {
    /// Every risk, for lookups by name.
    pub const ALL: [DurabilityRisk; 11] = [
        DurabilityRisk::RedisAppendonlyNo,
        DurabilityRisk::RedisAppendfsyncEverysec,
        DurabilityRisk::RedisAppendfsyncNo,
        DurabilityRisk::RedisNoAppendfsyncOnRewrite,
        DurabilityRisk::RedisEviction,
        DurabilityRisk::RedisUnchecked,
        DurabilityRisk::PostgresFsyncOff,
        DurabilityRisk::PostgresFullPageWritesOff,
        DurabilityRisk::PostgresSynchronousCommitOff,
        DurabilityRisk::RedisNoReplica,
        DurabilityRisk::PostgresNoSynchronousStandby,
    ];

    /// Whether the risk is checked only if replication is required.
    fn is_about_replication(self) -> bool {
        matches!(self, DurabilityRisk::RedisNoReplica | DurabilityRisk::PostgresNoSynchronousStandby)
    }

    /// Returns the name that operators use in `allow_weak_durability`.
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
            DurabilityRisk::RedisNoReplica => "redis_no_replica",
            DurabilityRisk::PostgresNoSynchronousStandby => "postgres_no_synchronous_standby",
        }
    }
}

/// Error: `allow_weak_durability` has an unknown name.
#[derive(Debug, Error)]
#[error("`{name}` is not a known durability risk. Known risks: {}", DurabilityRisk::ALL.map(DurabilityRisk::name).join(", "))]
pub struct UnknownRisk {
    name: String,
}

impl TryFrom<String> for DurabilityRisk {
    type Error = UnknownRisk;

    fn try_from(name: String) -> Result<DurabilityRisk, UnknownRisk> {
        let known = DurabilityRisk::ALL.into_iter().find(|risk| risk.name() == name);
        known.ok_or(UnknownRisk { name })
    }
}

/// Durability risk that was found in a backend.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Kind of risk, which operators can allow.
    pub risk: DurabilityRisk,
    /// Current setting, such as "redis: appendfsync is everysec".
    pub found: String,
    /// Setting to change and where, such as "in redis.conf `appendfsync always`".
    pub fix: String,
}

/// Error: a backend can lose acknowledged data, and the operator has not allowed it.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub struct InsufficientDurability {
    /// Findings that are not allowed.
    pub findings: Vec<Finding>,
}

impl fmt::Display for InsufficientDurability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a backend can lose acknowledged data:")?;
        for Finding { risk, found, fix } in &self.findings {
            let name = risk.name();
            write!(f, "\n  {found}. Change it: {fix}. Or allow it: {name:?} in `allow_weak_durability`.")?;
        }
        Ok(())
    }
}

/// Allowed durability risks, and the findings of this process. Clones share both.
#[derive(Clone, Debug)]
pub struct Durability {
    allowed: Arc<BTreeSet<DurabilityRisk>>,
    replication_required: bool,
    /// Allowed risks that have been logged.
    logged: Arc<Mutex<BTreeSet<DurabilityRisk>>>,
    violations: watch::Sender<Vec<Finding>>,
}

impl Durability {
    /// Creates a checker that allows these risks.
    pub fn allowing(allowed: impl IntoIterator<Item = DurabilityRisk>) -> Durability {
        Durability {
            allowed: Arc::new(allowed.into_iter().collect()),
            replication_required: false,
            logged: Arc::default(),
            violations: watch::Sender::new(Vec::new()),
        }
    }

    /// Requires replicas, too: a write that is on the disk of one server only can be lost with it.
    #[must_use]
    pub fn requiring_replication(self) -> Durability {
        Durability { replication_required: true, ..self }
    }

    /// Checks the findings of a new connection. After an error the connection must not be used.
    ///
    /// Findings that are not allowed are recorded and end [`Durability::wait_for_violation`]. Allowed ones
    /// are logged once per risk.
    pub fn check(&self, findings: Vec<Finding>) -> Result<(), InsufficientDurability> {
        let is_checked =
            |finding: &Finding| self.replication_required || !finding.risk.is_about_replication();
        let findings = findings.into_iter().filter(is_checked);
        let (allowed, findings): (Vec<_>, Vec<_>) =
            findings.partition(|finding| self.allowed.contains(&finding.risk));
        // The set is consistent after every step, so a poisoned lock is harmless.
        let mut logged = self.logged.lock().unwrap_or_else(PoisonError::into_inner);
        for Finding { risk, found, fix } in allowed {
            if logged.insert(risk) {
                let risk = risk.name();
                tracing::warn!(risk, found, fix, "weak durability allowed: acknowledged data can be lost");
            }
        }
        if findings.is_empty() {
            return Ok(());
        }
        self.violations.send_modify(|known| {
            let new: Vec<_> = findings.iter().filter(|finding| !known.contains(finding)).cloned().collect();
            known.extend(new);
        });
        Err(InsufficientDurability { findings })
    }

    /// Returns all findings that are not allowed; `None` if there are none.
    pub fn violation(&self) -> Option<InsufficientDurability> {
        let findings = self.violations.borrow().clone();
        (!findings.is_empty()).then_some(InsufficientDurability { findings })
    }

    /// Waits until there is a finding that is not allowed.
    pub async fn wait_for_violation(&self) -> InsufficientDurability {
        let mut violations = self.violations.subscribe();
        // The sender is in `self`, so the channel is open.
        let findings = violations.wait_for(|known| !known.is_empty()).await;
        let findings = findings.map(|known| known.clone()).unwrap_or_default();
        InsufficientDurability { findings }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(risk: DurabilityRisk) -> Finding {
        Finding { risk, found: "a setting".to_owned(), fix: "`change the setting`".to_owned() }
    }

    #[test]
    fn unknown_durability_risk_error_lists_all_names() {
        for risk in DurabilityRisk::ALL {
            assert_eq!(DurabilityRisk::try_from(risk.name().to_owned()).unwrap(), risk);
        }
        let refused = DurabilityRisk::try_from("redis_fsync".to_owned()).unwrap_err().to_string();
        assert!(
            refused.contains("`redis_fsync`") && refused.contains("redis_appendfsync_everysec"),
            "{refused}"
        );
    }

    #[tokio::test]
    async fn durability_check_fails_on_risks_that_are_not_allowed() {
        let durability = Durability::allowing([DurabilityRisk::RedisAppendfsyncEverysec]);
        let found = || vec![finding(DurabilityRisk::RedisAppendfsyncEverysec)];
        assert_eq!(durability.check(found()), Ok(()));
        assert_eq!(durability.violation(), None);
        let alone = || vec![finding(DurabilityRisk::RedisNoReplica)];
        assert_eq!(Durability::allowing([]).check(alone()), Ok(()));
        let required = Durability::allowing([]).requiring_replication();
        assert_eq!(required.check(alone()).unwrap_err().findings, alone());
        let more = found().into_iter().chain([finding(DurabilityRisk::RedisEviction)]).collect();
        let too_weak = durability.check(more).unwrap_err();
        assert_eq!(too_weak.findings, [finding(DurabilityRisk::RedisEviction)]);
        assert_eq!(
            durability.check(vec![finding(DurabilityRisk::PostgresFsyncOff)]).unwrap_err().findings.len(),
            1
        );
        assert_eq!(durability.wait_for_violation().await.findings.len(), 2, "from both checks");
        let text = too_weak.to_string();
        assert!(text.contains("`change the setting`") && text.contains("\"redis_eviction\""), "{text}");
    }
}
