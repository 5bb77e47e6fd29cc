//! Checks that every command has one outcome and that every response agrees with it.

use super::{Check, RunEvidence};
use crate::run::history::Record;
use crate::run::ids::fingerprint_of;
use auction_wire::{Outcome, OutcomeResult};
use std::collections::HashMap;
use uuid::Uuid;

/// Refusal code for an idempotency key that was used with another payload.
const KEY_REUSED: &str = "idempotency_key_reused";

pub(super) fn checks(evidence: &RunEvidence<'_>) -> Vec<Check> {
    let mut single_outcome = Check::new("every command has one outcome");
    let mut outcomes: HashMap<Uuid, &Outcome> = HashMap::with_capacity(evidence.outcomes.len());
    for outcome in &evidence.outcomes {
        let before = outcomes.insert(outcome.command.0, outcome);
        single_outcome.verify(before.is_none(), || format!("command {} has two outcomes", outcome.command));
    }
    vec![
        responses_match(evidence, &outcomes, &mut single_outcome),
        single_outcome,
        refusals_without_id(evidence, &outcomes),
    ]
}

/// Compares responses with outcomes. Accepted commands must have an outcome.
fn responses_match(
    evidence: &RunEvidence<'_>,
    outcomes: &HashMap<Uuid, &Outcome>,
    single_outcome: &mut Check,
) -> Check {
    let mut responses_match =
        Check::new("every response matches the stored outcome, also for repeated requests");
    for record in evidence.log.records.iter().filter(|record| is_command_response(record)) {
        let describe = || evidence.log.describe(record);
        let Some(outcome) = outcomes.get(&record.command) else {
            // A key without an outcome may have been refused for another reason, such as load shedding.
            if record.status < 300 {
                single_outcome.verify(false, || format!("{} has no outcome: {}", record.command, describe()));
            }
            continue;
        };
        let contradiction_text = contradiction(record, &evidence.log.code(record), outcome);
        responses_match.verify(contradiction_text.is_none(), || {
            format!("{}: {}", describe(), contradiction_text.unwrap_or_default())
        });
    }
    responses_match
}

fn is_command_response(record: &Record) -> bool {
    record.has_response()
        && !record.command.is_nil()
        && (record.request.operation.is_bid() || is_deletion(record))
}

fn is_deletion(record: &Record) -> bool {
    record.request.operation == crate::run::mix::Operation::BidDelete
}

/// Describes how a response contradicts the outcome; none if it does not.
fn contradiction(record: &Record, code: &str, outcome: &Outcome) -> Option<String> {
    let is_same_payload = is_deletion(record) || outcome.fingerprint == fingerprint_of(record.request.amount);
    match (&outcome.result, record.status) {
        // An overloaded or unavailable portal says nothing about the outcome.
        (_, 429 | 500..=599) => None,
        (_, 422) if code == KEY_REUSED => is_same_payload
            .then(|| "refused as a reused key, but the key was used for this payload only".to_owned()),
        _ if !is_same_payload => {
            // 202 was sent before the conflict could be known; the status endpoint reports it later.
            (record.status != 202)
                .then(|| "the key was used for another payload, but the request was not refused".to_owned())
        }
        (_, 202) => None,
        (OutcomeResult::Accepted { version, .. }, 200 | 201) => (*version != record.version).then(|| {
            format!("the response has version {}, the outcome has version {version}", record.version)
        }),
        (OutcomeResult::Refused { code: stored, .. }, 400..) if stored == code => None,
        (OutcomeResult::Accepted { .. }, _) => Some("the outcome is accepted".to_owned()),
        (OutcomeResult::Refused { code: stored, .. }, _) => Some(format!("the outcome is refused: {stored}")),
        (OutcomeResult::Failed { reason, .. }, _) => Some(format!("the outcome is failed: {reason}")),
    }
}

/// Refusals of requests without a key have no command id. At least as many must be stored for the same
/// auction, amount and code.
fn refusals_without_id(evidence: &RunEvidence<'_>, outcomes: &HashMap<Uuid, &Outcome>) -> Check {
    let mut check = Check::new("refusals without a key match the stored outcomes");
    let mut known = std::collections::HashSet::with_capacity(outcomes.len());
    let mut received: HashMap<(Uuid, u64, String), u64> = HashMap::new();
    for record in &evidence.log.records {
        known.insert(record.command);
        if record.command.is_nil()
            && record.request.operation.is_bid()
            && matches!(record.status, 403 | 404 | 409)
        {
            let reason = evidence.log.code(record);
            let key =
                (evidence.run_ids.auction(&record.request), fingerprint_of(record.request.amount), reason);
            *received.entry(key).or_default() += 1;
        }
    }
    let mut stored: HashMap<(Uuid, u64, String), u64> = HashMap::new();
    for outcome in evidence.outcomes.iter().filter(|outcome| !known.contains(&outcome.command.0)) {
        if let OutcomeResult::Refused { code, .. } = &outcome.result {
            *stored.entry((outcome.key, outcome.fingerprint, code.clone())).or_default() += 1;
        }
    }
    for (key, count) in received {
        let found = stored.get(&key).copied().unwrap_or_default();
        check.verify(found >= count, || {
            format!(
                "{count} bids in auction {} were refused as {}, but only {found} such outcomes are stored",
                key.0, key.2
            )
        });
    }
    check
}
