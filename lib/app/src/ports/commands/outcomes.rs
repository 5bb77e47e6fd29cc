//! Looks up stored outcomes for an ingress.

use crate::ports::Unavailable;
use async_trait::async_trait;
use auction_wire::{CommandId, Outcome, PartitionId};

/// Reads the stored outcomes of commands.
#[async_trait]
pub trait OutcomeReader: Send + Sync {
    /// Returns the outcome of a command of a partition; `None` if the command is undecided, unknown, or its outcome
    /// has been deleted by retention. Without a partition, all partitions are searched.
    async fn outcome(
        &self,
        command: CommandId,
        partition: Option<PartitionId>,
    ) -> Result<Option<Outcome>, Unavailable>;
}
