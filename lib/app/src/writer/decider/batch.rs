//! What is known of a batch before it is decided, and the decided batch.

use super::Decider;
use crate::ports::commands::command_stream::{Failure, Settlement};
use crate::ports::events::event_store::AppendBatch;
use crate::writer::snapshots::Snapshot;
use auction_wire::{Command, CommandId, Outcome};
use std::collections::HashMap;

/// Outcomes and failures that are known before a batch is decided.
#[derive(Debug, Default)]
pub struct KnownOutcomes {
    /// Stored outcomes of commands that were decided before.
    pub already_decided: HashMap<CommandId, Outcome>,
    /// Commands that cannot be processed.
    pub failed: HashMap<CommandId, Failure>,
}

impl KnownOutcomes {
    /// Removes the entries of commands whose batch is stored.
    pub fn forget<'a>(&mut self, commands: impl Iterator<Item = &'a Command>) {
        if self.already_decided.is_empty() && self.failed.is_empty() {
            return;
        }
        for command in commands {
            self.already_decided.remove(&command.id);
            self.failed.remove(&command.id);
        }
    }
}

/// Decided batch, before it is stored.
#[derive(Debug)]
pub struct DecidedBatch {
    /// Events and outcomes to store.
    pub append: AppendBatch,
    /// What to settle after the append, without the events.
    pub(super) settlement: Settlement,
    /// Commands with a new outcome.
    pub commands: Vec<CommandId>,
    /// Snapshots to write after the append.
    pub(in crate::writer) snapshots: Vec<Snapshot>,
}

impl DecidedBatch {
    pub(super) fn new(decider: &Decider, size: usize) -> DecidedBatch {
        DecidedBatch {
            append: AppendBatch {
                partition: decider.partition,
                expected_head: decider.head,
                events: Vec::with_capacity(size),
                outcomes: Vec::with_capacity(size),
            },
            settlement: Settlement { after: decider.head, ..Settlement::default() },
            commands: Vec::with_capacity(size),
            snapshots: Vec::new(),
        }
    }

    /// Returns what to settle after the append.
    pub fn into_settlement(self) -> Settlement {
        let events = self.append.events.into_iter().map(|event| event.record).collect();
        Settlement { events, ..self.settlement }
    }
}
