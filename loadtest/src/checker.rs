//! Checks whether the responses of a run agree with the stored data. A fast run with wrong results has
//! failed.
//!
//! Each check has its own file and reads [`RunEvidence`] only. [`backends`] collects the evidence from Redis
//! and Postgres. [`http_view`] checks what the portal shows by HTTP, for runs without access to the backends.

mod answers;
pub(crate) mod backends;
mod bids;
mod evidence;
pub(crate) mod http_view;
mod notifications;
mod order;
mod positions;
mod rules;
#[cfg(test)]
mod tests;

pub(crate) use evidence::RunEvidence;

use serde::Serialize;

/// Maximum number of failures reported for a check.
const MAX_REPORTED: usize = 20;

/// Result of one check.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Check {
    /// The property that must hold.
    pub(crate) name: &'static str,
    /// Number of items checked.
    pub(crate) checked: u64,
    /// Descriptions of failures, at most [`MAX_REPORTED`].
    pub(crate) failures: Vec<String>,
    /// Number of failures that are not described.
    pub(crate) more_failures: u64,
}

impl Check {
    pub(crate) fn new(name: &'static str) -> Check {
        Check { name, checked: 0, failures: Vec::new(), more_failures: 0 }
    }

    /// Counts an item and records a failure unless it passed.
    pub(crate) fn verify(&mut self, passed: bool, failure: impl FnOnce() -> String) {
        self.checked += 1;
        if !passed {
            self.fail(failure);
        }
    }

    /// Records a failure without counting an item.
    pub(crate) fn fail(&mut self, failure: impl FnOnce() -> String) {
        if self.failures.len() < MAX_REPORTED {
            self.failures.push(failure())
        } else {
            self.more_failures += 1
        }
    }

    pub(crate) fn passed(&self) -> bool {
        self.failures.is_empty()
    }
}

/// Results of all checks of a run.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct CheckReport {
    pub(crate) checks: Vec<Check>,
    /// Properties that could not be checked, and why.
    pub(crate) not_checked: Vec<String>,
}

impl CheckReport {
    pub(crate) fn passed(&self) -> bool {
        self.checks.iter().all(Check::passed)
    }

    /// Merges the checks of another run: a check fails if it failed in one of them.
    pub(crate) fn join(&mut self, other: CheckReport) {
        for check in other.checks {
            match self.checks.iter_mut().find(|known| known.name == check.name) {
                Some(known) => {
                    known.checked += check.checked;
                    known.more_failures += check.more_failures;
                    for failure in check.failures {
                        if known.failures.len() < MAX_REPORTED {
                            known.failures.push(failure)
                        } else {
                            known.more_failures += 1
                        }
                    }
                }
                None => self.checks.push(check),
            }
        }
        for reason in other.not_checked {
            if !self.not_checked.contains(&reason) {
                self.not_checked.push(reason);
            }
        }
    }
}

/// Runs all checks of the evidence.
pub(crate) fn run_checks(evidence: &RunEvidence<'_>) -> Vec<Check> {
    let mut checks = vec![positions::gap_free(evidence)];
    checks.extend(answers::checks(evidence));
    checks.push(order::arrival_order(evidence));
    checks.extend(bids::checks(evidence));
    checks.extend(rules::checks(evidence));
    checks.extend(notifications::checks(evidence));
    checks
}
