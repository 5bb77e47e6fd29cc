//! Every command that was answered has one outcome, and it is the one that was answered.

use super::{Check, RunEvidence};
use crate::run::history::Record;
use crate::run::ids::fingerprint_of;
use auction_wire::{Outcome, OutcomeResult};
use std::collections::HashMap;
use uuid::Uuid;

/// What is answered where a key was used before for something else.
const KEY_REUSED: &str = "idempotency_key_reused";

pub(super) fn checks(evidence: &RunEvidence<'_>) -> Vec<Check> {
    let mut once = Check::new("every command has one outcome");
    let mut outcomes: HashMap<Uuid, &Outcome> = HashMap::with_capacity(evidence.outcomes.len());
    for outcome in &evidence.outcomes {
        let before = outcomes.insert(outcome.command.0, outcome);
        once.look(before.is_none(), || format!("command {} has two outcomes", outcome.command));
    }
    vec![same(evidence, &outcomes, &mut once), once, without_an_id(evidence, &outcomes)]
}

/// What was answered is what was decided; and what was taken was decided.
fn same(evidence: &RunEvidence<'_>, outcomes: &HashMap<Uuid, &Outcome>, once: &mut Check) -> Check {
    let mut same = Check::new("every answer is the outcome, also when it was asked for again");
    for record in evidence.journal.records.iter().filter(|record| is_of_a_command(record)) {
        let tell = || evidence.journal.tell(record);
        let Some(outcome) = outcomes.get(&record.command) else {
            // A key that nothing was ever decided for can be refused for another reason, such as too much to do.
            if record.status < 300 {
                once.look(false, || format!("{} has no outcome: {}", record.command, tell()));
            }
            continue;
        };
        let wrong = contradiction(record, &evidence.journal.code(record), outcome);
        same.look(wrong.is_none(), || format!("{}: {}", tell(), wrong.unwrap_or_default()));
    }
    same
}

fn is_of_a_command(record: &Record) -> bool {
    record.is_answered() && !record.command.is_nil() && (record.ask.what.places() || is_deletion(record))
}

fn is_deletion(record: &Record) -> bool {
    record.ask.what == crate::run::mix::Operation::Deletion
}

/// How an answer contradicts an outcome.
fn contradiction(record: &Record, code: &str, outcome: &Outcome) -> Option<String> {
    let is_the_same = is_deletion(record) || outcome.fingerprint == fingerprint_of(record.ask.amount);
    match (&outcome.result, record.status) {
        // Whether there was too much to do, or nobody could be asked, is no outcome.
        (_, 429 | 500..=599) => None,
        (_, 422) if code == KEY_REUSED => {
            is_the_same.then(|| "the key was not used for anything else".to_owned())
        }
        _ if !is_the_same => {
            // It was taken before anybody could know better, and will be told so by the status monitor.
            (record.status != 202).then(|| "the key was used for something else, and not refused".to_owned())
        }
        (_, 202) => None,
        (OutcomeResult::Accepted { version, .. }, 200 | 201) => (*version != record.version)
            .then(|| format!("version {} was answered, {version} is stored", record.version)),
        (OutcomeResult::Refused { code: stored, .. }, 400..) if stored == code => None,
        (OutcomeResult::Accepted { .. }, _) => Some("it is stored as accepted".to_owned()),
        (OutcomeResult::Refused { code: stored, .. }, _) => {
            Some(format!("it is stored as refused: {stored}"))
        }
        (OutcomeResult::Failed { reason, .. }, _) => Some(format!("it is stored as failed: {reason}")),
    }
}

/// Refusals tell no id. There must be as many of them in the store, for the same auction, amount and reason.
fn without_an_id(evidence: &RunEvidence<'_>, outcomes: &HashMap<Uuid, &Outcome>) -> Check {
    let mut check = Check::new("refusals without a key are stored as they were answered");
    let mut known = std::collections::HashSet::with_capacity(outcomes.len());
    let mut answered: HashMap<(Uuid, u64, String), u64> = HashMap::new();
    for record in &evidence.journal.records {
        known.insert(record.command);
        if record.command.is_nil() && record.ask.what.places() && matches!(record.status, 403 | 404 | 409) {
            let reason = evidence.journal.code(record);
            let key = (evidence.world.auction(&record.ask), fingerprint_of(record.ask.amount), reason);
            *answered.entry(key).or_default() += 1;
        }
    }
    let mut stored: HashMap<(Uuid, u64, String), u64> = HashMap::new();
    for outcome in evidence.outcomes.iter().filter(|outcome| !known.contains(&outcome.command.0)) {
        if let OutcomeResult::Refused { code, .. } = &outcome.result {
            *stored.entry((outcome.key, outcome.fingerprint, code.clone())).or_default() += 1;
        }
    }
    for (key, count) in answered {
        let found = stored.get(&key).copied().unwrap_or_default();
        check.look(found >= count, || {
            format!("{count} bids in auction {} were refused as {}, {found} are stored so", key.0, key.2)
        });
    }
    check
}
