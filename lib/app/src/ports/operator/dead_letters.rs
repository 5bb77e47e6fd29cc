//! Dead letters, for operators.

use crate::ports::Unavailable;
use crate::ports::commands::command_stream::RawFields;
use crate::ports::commands::outcomes::OutcomeReader;
use async_trait::async_trait;
use auction_wire::{CommandHeader, CommandId, OutcomeResult, PartitionId};
use worker_runtime::EntryId;

/// Dead letters of all partitions.
#[async_trait]
pub trait DeadLetterQueue: Send + Sync {
    /// Returns at most `limit` dead letters of a partition with ids above `after`, the oldest first.
    async fn list(
        &self,
        partition: PartitionId,
        after: EntryId,
        limit: usize,
    ) -> Result<Vec<DeadLetter>, Unavailable>;

    /// Appends the content of a dead letter to its command stream, as a new entry, and deletes the dead
    /// letter, all or nothing.
    ///
    /// Returns the new entry id; `None` if the dead letter does not exist any more.
    async fn requeue(&self, dead_letter: &DeadLetter) -> Result<Option<EntryId>, Unavailable>;

    /// Deletes a dead letter. Returns whether it existed.
    async fn delete(&self, dead_letter: &DeadLetter) -> Result<bool, Unavailable>;
}

/// Stored outcomes with the result `failed`.
#[async_trait]
pub trait FailedOutcomes: OutcomeReader {
    /// Deletes the outcome of a command if its result is `failure`. Returns whether it was deleted.
    ///
    /// Called before a dead letter is requeued: with its outcome, the command would fail again without being
    /// processed.
    async fn forget(
        &self,
        command: CommandId,
        partition: PartitionId,
        failure: &OutcomeResult,
    ) -> Result<bool, Unavailable>;
}

/// Command that cannot be processed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadLetter {
    /// Partition of the command stream.
    pub partition: PartitionId,
    /// Entry id of the dead letter. Its milliseconds are the time when the command was dead-lettered.
    pub id: EntryId,
    /// The command stream the command was read from.
    pub stream: String,
    /// Entry id on the command stream. Its milliseconds are the time when the command was received.
    pub entry: String,
    /// The name of a [`crate::ports::commands::command_stream::FailureReason`].
    pub reason: String,
    /// Text of the error, for operators.
    pub error: String,
    /// The fields of the stream entry.
    pub fields: RawFields,
}

impl DeadLetter {
    /// Returns the name that operators use: partition and entry id, as in `07/1795372100000-0`.
    pub fn name(&self) -> String {
        format!("{}/{}", self.partition, self.id)
    }

    /// Parses a name into partition and entry id.
    pub fn parse_name(name: &str) -> Option<(PartitionId, EntryId)> {
        let (partition, id) = name.split_once('/')?;
        Some((PartitionId(partition.parse().ok()?), id.parse().ok()?))
    }

    /// Returns the cursor before the first dead letter.
    pub fn before_all() -> (PartitionId, EntryId) {
        (PartitionId(0), EntryId::ZERO)
    }

    /// Decodes the header of the command; none if the fields do not contain one.
    pub fn header(&self) -> Option<CommandHeader> {
        CommandHeader::of(&self.fields)
    }
}
