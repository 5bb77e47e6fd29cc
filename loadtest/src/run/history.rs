//! What was asked and what was answered, one small record each.

use crate::run::plan::PlannedRequest;
use std::sync::{Mutex, PoisonError};
use uuid::Uuid;

/// The status of a request that got no answer.
pub(crate) const NO_ANSWER: u16 = 0;

/// One request and its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) ask: PlannedRequest,
    /// How long after it was due it was sent, in microseconds: all connections were busy.
    pub(crate) held: u32,
    /// How long after it was due the answer was there, in microseconds.
    pub(crate) took: u32,
    /// Of the answer; [`NO_ANSWER`] if there was none.
    pub(crate) status: u16,
    /// Why it was refused, if it was: a number of [`Codes`], from 1.
    pub(crate) code: u16,
    /// The version of the auction that was answered; 0 if none was.
    pub(crate) version: u64,
    /// The id of the command, if it is known; else nil.
    pub(crate) command: Uuid,
}

impl Record {
    pub(crate) fn is_answered(&self) -> bool {
        self.status != NO_ANSWER
    }
}

/// Reasons of refusals by their numbers.
#[derive(Debug, Default)]
pub(crate) struct Codes(Mutex<Vec<String>>);

impl Codes {
    /// The number of a reason.
    pub(crate) fn number(&self, code: &str) -> u16 {
        // Nothing that panics is done while it is held.
        let mut codes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found = codes.iter().position(|known| known == code).unwrap_or_else(|| {
            codes.push(code.to_owned());
            codes.len() - 1
        });
        // A portal has some dozens of them.
        u16::try_from(found + 1).unwrap_or(u16::MAX)
    }

    /// The reason of a number.
    pub(crate) fn name(&self, number: u16) -> String {
        let codes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        usize::from(number).checked_sub(1).and_then(|n| codes.get(n).cloned()).unwrap_or_default()
    }
}

/// Everything of one run.
#[derive(Debug, Default)]
pub(crate) struct OperationLog {
    pub(crate) records: Vec<Record>,
    pub(crate) codes: Codes,
    /// Handles of commands that were not decided when they were answered, by the number of their record.
    pub(crate) handles: Vec<(usize, String)>,
}

impl OperationLog {
    /// Why a request was refused.
    pub(crate) fn code(&self, record: &Record) -> String {
        self.codes.name(record.code)
    }

    /// A request in words, for whoever looks for what went wrong.
    pub(crate) fn tell(&self, record: &Record) -> String {
        let PlannedRequest { due, what, user, auction, amount, key } = record.ask;
        let (code, status) = (self.code(record), record.status);
        format!(
            "request at {:.3} s ({}, user {user}, auction {auction}, amount {amount}, key {key}), answered {status} {code}",
            due as f64 / 1e6,
            what.name()
        )
    }
}
