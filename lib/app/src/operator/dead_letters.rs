//! Dead letters: operators list, requeue and drop commands that cannot be processed.
//!
//! The command of a dead letter has the outcome `failed`. [`requeue`] deletes that outcome, which makes the
//! command pending, and then puts the command back on its stream with the same id. A requeue is idempotent by
//! command id: an interrupted or repeated one cannot make the command take effect twice. A requeued command
//! counts as received at the time of the requeue.

mod format;
mod page;

pub use page::{Page, page};

use crate::ports::Unavailable;
use crate::ports::operator::dead_letters::{DeadLetter, DeadLetterQueue, FailedOutcomes};
use auction_wire::{CommandId, OutcomeResult, PartitionCount};
use std::collections::BTreeSet;
use uuid::Uuid;
use worker_runtime::EntryId;

/// Number of dead letters read at a time.
const CHUNK: usize = 500;

/// Filter for dead letters. A dead letter matches if it satisfies every condition that is set.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// The names of the dead letters; any name if empty.
    pub names: BTreeSet<String>,
    pub partition: Option<u16>,
    pub reason: Option<String>,
    pub kind: Option<String>,
    pub command: Option<Uuid>,
    /// The user or auction of the command.
    pub key: Option<Uuid>,
    /// Dead-lettered before this time, in milliseconds since 1970.
    pub before_ms: Option<u64>,
}

impl Filter {
    pub fn matches(&self, dead_letter: &DeadLetter) -> bool {
        fn is<T: PartialEq>(wanted: &Option<T>, found: Option<T>) -> bool {
            wanted.is_none() || *wanted == found
        }
        let header = dead_letter.header();
        let header = header.as_ref();
        (self.names.is_empty() || self.names.contains(&dead_letter.name()))
            && is(&self.partition, Some(dead_letter.partition.0))
            && is(&self.reason, Some(dead_letter.reason.clone()))
            && is(&self.kind, header.map(|header| header.kind.clone()))
            && is(&self.command, header.map(|header| header.id.0))
            && is(&self.key, header.map(|header| header.key))
            && self.before_ms.is_none_or(|before| dead_letter.id.ms < before)
    }
}

/// Finds a dead letter by its name.
pub async fn find_one(
    dead_letters: &dyn DeadLetterQueue,
    partitions: PartitionCount,
    name: &str,
) -> Result<Option<DeadLetter>, Unavailable> {
    let Some((partition, id)) = DeadLetter::parse_name(name) else { return Ok(None) };
    if partition.0 >= partitions.get() {
        return Ok(None);
    }
    let before = match id {
        EntryId { ms, seq: 0 } => EntryId { ms: ms.saturating_sub(1), seq: u64::MAX },
        EntryId { ms, seq } => EntryId { ms, seq: seq - 1 },
    };
    let found = dead_letters.list(partition, before, 1).await?.into_iter().next();
    Ok(found.filter(|dead_letter| dead_letter.id == id))
}

/// Finds all dead letters that match, ordered by partition and age, the oldest first.
pub async fn find(
    dead_letters: &dyn DeadLetterQueue,
    partitions: PartitionCount,
    filter: &Filter,
) -> Result<Vec<DeadLetter>, Unavailable> {
    let (mut found, mut cursor) = (Vec::new(), DeadLetter::before_all());
    loop {
        let Page { dead_letters, last } = page(dead_letters, partitions, filter, cursor, usize::MAX).await?;
        found.extend(dead_letters);
        match last.as_deref().and_then(DeadLetter::parse_name) {
            Some(next) => cursor = next,
            None => return Ok(found),
        }
    }
}

/// Result of a requeue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RequeueResult {
    /// The command is pending, with this entry id on its stream.
    Done(EntryId),
    /// The command has been decided meanwhile. Drop the dead letter.
    Decided(CommandId),
    /// The dead letter was requeued or dropped meanwhile.
    Gone,
}

/// Puts the command of a dead letter back on its stream and deletes the dead letter.
pub async fn requeue(
    dead_letters: &dyn DeadLetterQueue,
    outcomes: &dyn FailedOutcomes,
    dead_letter: &DeadLetter,
) -> Result<RequeueResult, Unavailable> {
    if let Some(command) = dead_letter.header().map(|header| header.id)
        && let Some(outcome) = outcomes.outcome(command, Some(dead_letter.partition)).await?
    {
        let failed = matches!(outcome.result, OutcomeResult::Failed { .. });
        if !failed {
            return Ok(RequeueResult::Decided(command));
        }
        // Two concurrent requeues may both get here. Only one of them finds the dead letter below.
        outcomes.forget(command, dead_letter.partition, &outcome.result).await?;
    }
    Ok(dead_letters.requeue(dead_letter).await?.map_or(RequeueResult::Gone, RequeueResult::Done))
}
