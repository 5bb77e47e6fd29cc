//! Log of all requests of a run and their responses.

use crate::run::plan::PlannedRequest;
use std::sync::{Mutex, PoisonError};
use uuid::Uuid;

/// Status recorded for a request without a response.
pub(crate) const NO_RESPONSE: u16 = 0;

/// A request and its response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) request: PlannedRequest,
    /// Time from due to sent in microseconds: all connections were busy.
    pub(crate) queued_us: u32,
    /// Time from due to the response in microseconds.
    pub(crate) latency_us: u32,
    /// HTTP status of the response, or [`NO_RESPONSE`].
    pub(crate) status: u16,
    /// Number of the refusal code in [`Codes`], from 1; 0 if the request was not refused.
    pub(crate) code: u16,
    /// Version of the auction in the response; 0 if there was none.
    pub(crate) version: u64,
    /// Id of the command; nil if unknown.
    pub(crate) command: Uuid,
}

impl Record {
    pub(crate) fn has_response(&self) -> bool {
        self.status != NO_RESPONSE
    }
}

/// Refusal codes, numbered to keep records small.
#[derive(Debug, Default)]
pub(crate) struct Codes(Mutex<Vec<String>>);

impl Codes {
    /// Returns the number of a code; adds the code if it is new.
    pub(crate) fn number(&self, code: &str) -> u16 {
        // The lock is never poisoned: no code that can panic runs under it.
        let mut codes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found = codes.iter().position(|known| known == code).unwrap_or_else(|| {
            codes.push(code.to_owned());
            codes.len() - 1
        });
        // A portal has a few dozen codes.
        u16::try_from(found + 1).unwrap_or(u16::MAX)
    }

    /// Returns the code with this number, or an empty string for 0.
    pub(crate) fn name(&self, number: u16) -> String {
        let codes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        usize::from(number).checked_sub(1).and_then(|n| codes.get(n).cloned()).unwrap_or_default()
    }
}

/// All requests and responses of one run.
#[derive(Debug, Default)]
pub(crate) struct OperationLog {
    pub(crate) records: Vec<Record>,
    pub(crate) codes: Codes,
    /// Handles of commands answered with 202, with the index of their record.
    pub(crate) handles: Vec<(usize, String)>,
}

impl OperationLog {
    /// Returns the refusal code of a record.
    pub(crate) fn code(&self, record: &Record) -> String {
        self.codes.name(record.code)
    }

    /// Describes a request and its response for a failure message.
    pub(crate) fn describe(&self, record: &Record) -> String {
        let PlannedRequest { due, operation, user, auction, amount, key } = record.request;
        let (code, status) = (self.code(record), record.status);
        format!(
            "request at {:.3} s ({}, user {user}, auction {auction}, amount {amount}, key {key}), response {status} {code}",
            due as f64 / 1e6,
            operation.name()
        )
    }
}
