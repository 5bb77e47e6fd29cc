//! Looks up stored outcomes for an ingress.

use crate::ports::Unavailable;
use auction_wire::{CommandId, Outcome};
use std::future::Future;

/// Reads the stored outcomes of commands.
pub trait OutcomeReader: Send + Sync {
    /// Returns the outcome of a command; `None` if the command is undecided, unknown, or its outcome has been
    /// deleted by retention.
    fn outcome(
        &self,
        command: CommandId,
    ) -> impl Future<Output = Result<Option<Outcome>, Unavailable>> + Send;
}
