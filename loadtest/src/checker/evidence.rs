//! What a run left behind.

use crate::run::history::OperationLog;
use crate::run::ids::RunIds;
use auction_domain::UserId;
use auction_wire::notification::Notification;
use auction_wire::{EventRecord, Outcome, PartitionId};

/// Everything that is looked at: the journal of what was asked and answered, and what the stores hold.
pub(crate) struct RunEvidence<'a> {
    pub(crate) world: &'a RunIds,
    pub(crate) journal: &'a OperationLog,
    /// Events since the run began, in the order of each partition.
    pub(crate) partitions: Vec<Partition>,
    /// Outcomes of commands for auctions of this run, in the order of each partition.
    pub(crate) outcomes: Vec<Outcome>,
    /// What users of this run were told, in the order of each inbox; none if that is not known.
    pub(crate) told: Option<Vec<(UserId, Notification)>>,
    /// Whether every auction must be decided.
    pub(crate) until_closed: bool,
}

/// The events of one partition.
pub(crate) struct Partition {
    pub(crate) id: PartitionId,
    /// The newest position before the run.
    pub(crate) before: u64,
    /// The newest position by the table of partitions.
    pub(crate) head: u64,
    pub(crate) events: Vec<EventRecord>,
}

impl RunEvidence<'_> {
    /// All events with their partitions.
    pub(crate) fn events(&self) -> impl Iterator<Item = &EventRecord> {
        self.partitions.iter().flat_map(|partition| &partition.events)
    }
}
