//! What operators do with commands that could not be handled: look, send again, drop.
//!
//! A dead letter's command has the outcome `failed`. Sending it again first forgets that outcome, which
//! makes the command pending, and then puts it back on its stream under its own id: whatever happens in
//! between, and however often it is tried, it cannot have a second effect. It counts as received then.

mod format;
mod page;

pub use page::{Page, page};

use crate::ports::Unavailable;
use crate::ports::commands::command_stream::RawFields;
use crate::ports::commands::outcomes::OutcomeReader;
use crate::ports::operator::dead_letters::{DeadLetterQueue, FailedOutcomes};
use auction_wire::{CommandHeader, CommandId, OutcomeResult, PartitionCount, PartitionId};
use std::collections::BTreeSet;
use uuid::Uuid;
use worker_runtime::EntryId;

/// How many letters are read in one go.
const CHUNK: usize = 500;

/// A dead letter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadLetter {
    /// Where it lies.
    pub partition: PartitionId,
    /// Its own entry id; its milliseconds are when it was put away.
    pub id: EntryId,
    /// The stream that it came from.
    pub stream: String,
    /// Its entry id there; its milliseconds are when it was received.
    pub entry: String,
    /// The name of a [`crate::ports::commands::command_stream::FailureReason`].
    pub reason: String,
    /// What went wrong.
    pub error: String,
    /// What it was made of.
    pub fields: RawFields,
}

impl DeadLetter {
    /// Its name for operators: `07/1795372100000-0`.
    pub fn name(&self) -> String {
        format!("{}/{}", self.partition, self.id)
    }

    /// Where the letter of that name lies.
    pub fn place(name: &str) -> Option<(PartitionId, EntryId)> {
        let (partition, id) = name.split_once('/')?;
        Some((PartitionId(partition.parse().ok()?), id.parse().ok()?))
    }

    /// Where none lies: before all of them.
    pub fn before_all() -> (PartitionId, EntryId) {
        (PartitionId(0), EntryId::ZERO)
    }

    /// What it says of itself; none if it says nothing that makes sense.
    pub fn envelope(&self) -> Option<CommandHeader> {
        CommandHeader::of(&self.fields)
    }
}

/// Which letters are meant: those that are all of what is given.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// One of these, by name.
    pub names: BTreeSet<String>,
    /// In this partition.
    pub partition: Option<u16>,
    /// For this reason.
    pub reason: Option<String>,
    /// A command of this kind.
    pub kind: Option<String>,
    /// This command.
    pub command: Option<Uuid>,
    /// For this user or auction.
    pub key: Option<Uuid>,
    /// Put away before, in milliseconds since 1970.
    pub before_ms: Option<u64>,
}

impl Filter {
    /// Whether nothing at all was said.
    pub fn is_empty(&self) -> bool {
        let Filter { names, partition, reason, kind, command, key, before_ms } = self;
        let said = partition.is_some() || reason.is_some() || kind.is_some();
        names.is_empty() && !said && command.is_none() && key.is_none() && before_ms.is_none()
    }

    /// Whether a letter is meant.
    pub fn matches(&self, letter: &DeadLetter) -> bool {
        fn is<T: PartialEq>(wanted: &Option<T>, found: Option<T>) -> bool {
            wanted.is_none() || *wanted == found
        }
        let envelope = letter.envelope();
        let of = envelope.as_ref();
        (self.names.is_empty() || self.names.contains(&letter.name()))
            && is(&self.partition, Some(letter.partition.0))
            && is(&self.reason, Some(letter.reason.clone()))
            && is(&self.kind, of.map(|envelope| envelope.kind.clone()))
            && is(&self.command, of.map(|envelope| envelope.id.0))
            && is(&self.key, of.map(|envelope| envelope.key))
            && self.before_ms.is_none_or(|before| letter.id.ms < before)
    }
}

/// The letter of that name.
pub async fn find_one(
    letters: &impl DeadLetterQueue,
    partitions: PartitionCount,
    name: &str,
) -> Result<Option<DeadLetter>, Unavailable> {
    let Some((partition, id)) = DeadLetter::place(name) else { return Ok(None) };
    if partition.0 >= partitions.get() {
        return Ok(None);
    }
    let before = match id {
        EntryId { ms, seq: 0 } => EntryId { ms: ms.saturating_sub(1), seq: u64::MAX },
        EntryId { ms, seq } => EntryId { ms, seq: seq - 1 },
    };
    let found = letters.list(partition, before, 1).await?.into_iter().next();
    Ok(found.filter(|letter| letter.id == id))
}

/// All letters that are meant, by partition, the oldest first.
pub async fn find(
    letters: &impl DeadLetterQueue,
    partitions: PartitionCount,
    filter: &Filter,
) -> Result<Vec<DeadLetter>, Unavailable> {
    let mut found = Vec::new();
    for partition in partitions.all() {
        if filter.partition.is_some_and(|wanted| wanted != partition.0) {
            continue;
        }
        let mut after = EntryId::ZERO;
        loop {
            let chunk = letters.list(partition, after, CHUNK).await?;
            let Some(last) = chunk.last() else { break };
            after = last.id;
            found.extend(chunk.into_iter().filter(|letter| filter.matches(letter)));
        }
    }
    Ok(found)
}

/// What became of sending a letter again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RequeueResult {
    /// It is on its stream, with this entry id, and pending.
    Done(EntryId),
    /// Its command was decided since: there is nothing left to do but to drop the letter.
    Decided(CommandId),
    /// Somebody else sent it again, or dropped it.
    Gone,
}

/// Sends a letter again.
pub async fn requeue(
    letters: &impl DeadLetterQueue,
    outcomes: &(impl OutcomeReader + FailedOutcomes),
    letter: &DeadLetter,
) -> Result<RequeueResult, Unavailable> {
    if let Some(command) = letter.envelope().map(|envelope| envelope.id)
        && let Some(outcome) = outcomes.outcome(command).await?
    {
        let failed = matches!(outcome.result, OutcomeResult::Failed { .. });
        if !failed {
            return Ok(RequeueResult::Decided(command));
        }
        // If it was forgotten meanwhile, somebody sends this letter again just now: one of us will find
        // it gone.
        outcomes.forget(command, &outcome.result).await?;
    }
    Ok(letters.requeue(letter).await?.map_or(RequeueResult::Gone, RequeueResult::Done))
}
