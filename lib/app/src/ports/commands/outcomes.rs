//! Looks up stored outcomes for an ingress.

use crate::ports::Unavailable;
use async_trait::async_trait;
use auction_wire::{CommandId, Outcome};

/// Reads the stored outcomes of commands.
#[async_trait]
pub trait OutcomeReader: Send + Sync {
    /// Returns the outcome of a command; `None` if the command is undecided, unknown, or its outcome has been
    /// deleted by retention.
    async fn outcome(&self, command: CommandId) -> Result<Option<Outcome>, Unavailable>;
}
