//! Where an ingress looks up what became of a command.

use crate::ports::Unavailable;
use auction_wire::{CommandId, Outcome};
use std::future::Future;

/// Stored outcomes.
pub trait OutcomeReader: Send + Sync {
    /// The outcome of a command; none while it is not decided, or if it never was given.
    fn outcome(
        &self,
        command: CommandId,
    ) -> impl Future<Output = Result<Option<Outcome>, Unavailable>> + Send;
}
