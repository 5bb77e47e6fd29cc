//! Whether what was answered is what happened. A run that is fast and wrong has failed.
//!
//! The checks look at [`RunEvidence`] alone, one file each; [`backends`] gathers it from Redis and Postgres, and
//! [`http_view`] looks at what a portal shows by HTTP, which is all there is without the addresses of its servers.

mod answers;
mod auction_model;
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

/// At most so many things that are wrong are told of each check.
const TOLD: usize = 20;

/// One check.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Check {
    /// What must be so.
    pub(crate) name: &'static str,
    /// How many things were looked at.
    pub(crate) looked_at: u64,
    /// What is not so, a sentence each.
    pub(crate) wrong: Vec<String>,
    /// How much more there is that is not so.
    pub(crate) more: u64,
}

impl Check {
    pub(crate) fn new(name: &'static str) -> Check {
        Check { name, looked_at: 0, wrong: Vec::new(), more: 0 }
    }

    /// One more thing was looked at, and is as it must be or not.
    pub(crate) fn look(&mut self, is_right: bool, wrong: impl FnOnce() -> String) {
        self.looked_at += 1;
        if !is_right {
            self.wrong(wrong);
        }
    }

    /// Something is wrong.
    pub(crate) fn wrong(&mut self, what: impl FnOnce() -> String) {
        if self.wrong.len() < TOLD { self.wrong.push(what()) } else { self.more += 1 }
    }

    pub(crate) fn is_right(&self) -> bool {
        self.wrong.is_empty()
    }
}

/// All checks of a run.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct CheckReport {
    pub(crate) checks: Vec<Check>,
    /// What could not be looked at, and why.
    pub(crate) not_checked: Vec<String>,
}

impl CheckReport {
    pub(crate) fn is_right(&self) -> bool {
        self.checks.iter().all(Check::is_right)
    }

    /// Another run's checks beside these: found wrong once is wrong.
    pub(crate) fn join(&mut self, other: CheckReport) {
        for check in other.checks {
            match self.checks.iter_mut().find(|known| known.name == check.name) {
                Some(known) => {
                    known.looked_at += check.looked_at;
                    known.more += check.more;
                    for wrong in check.wrong {
                        if known.wrong.len() < TOLD { known.wrong.push(wrong) } else { known.more += 1 }
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

/// Everything that evidence can tell.
pub(crate) fn judge(evidence: &RunEvidence<'_>) -> Vec<Check> {
    let mut checks = vec![positions::dense(evidence)];
    checks.extend(answers::checks(evidence));
    checks.push(order::kept(evidence));
    checks.extend(bids::checks(evidence));
    checks.extend(rules::checks(evidence));
    checks.extend(notifications::checks(evidence));
    checks
}
