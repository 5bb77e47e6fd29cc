//! The dead letters, for operators.

use crate::operator::dead_letters::DeadLetter;
use crate::ports::Unavailable;
use auction_wire::{CommandId, OutcomeResult, PartitionId};
use std::future::Future;
use worker_runtime::EntryId;

/// The dead letters of all partitions.
pub trait DeadLetterQueue: Send + Sync {
    /// At most `limit` letters of a partition behind `after`, the oldest first.
    fn list(
        &self,
        partition: PartitionId,
        after: EntryId,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<DeadLetter>, Unavailable>> + Send;

    /// Puts what the letter was made of back on its stream, as if it had come now, and takes the letter
    /// away, both or neither. Returns its new entry id; none if the letter is not there any more.
    fn requeue(
        &self,
        letter: &DeadLetter,
    ) -> impl Future<Output = Result<Option<EntryId>, Unavailable>> + Send;

    /// Takes a letter away for good. Returns whether it was there.
    fn drop(&self, letter: &DeadLetter) -> impl Future<Output = Result<bool, Unavailable>> + Send;
}

/// Stored outcomes that are `failed`.
pub trait FailedOutcomes: Send + Sync {
    /// Forgets the outcome of a command if it still is this one. Returns whether it was.
    fn forget(
        &self,
        command: CommandId,
        failure: &OutcomeResult,
    ) -> impl Future<Output = Result<bool, Unavailable>> + Send;
}
