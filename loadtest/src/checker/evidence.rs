//! Data that the checks compare.

use crate::run::history::OperationLog;
use crate::run::ids::RunIds;
use auction_domain::UserId;
use auction_domain::user::UserEvent;
use auction_wire::notification::Notification;
use auction_wire::{Event, EventRecord, Outcome, PartitionId};
use std::collections::HashSet;
use uuid::Uuid;

/// Data of a run: the operation log and what the backends stored.
pub(crate) struct RunEvidence<'a> {
    pub(crate) run_ids: &'a RunIds,
    pub(crate) log: &'a OperationLog,
    /// Events since the run began, in the order of each partition.
    pub(crate) partitions: Vec<Partition>,
    /// Outcomes of commands for auctions of this run, in the order of each partition.
    pub(crate) outcomes: Vec<Outcome>,
    /// Notifications of the users of this run, in inbox order; none if unknown.
    pub(crate) notifications: Option<Vec<(UserId, Notification)>>,
    /// Whether every auction must have a result.
    pub(crate) until_closed: bool,
}

/// The events of one partition.
pub(crate) struct Partition {
    pub(crate) id: PartitionId,
    /// Head before the run.
    pub(crate) before: u64,
    /// Head according to the table `partitions`.
    pub(crate) head: u64,
    pub(crate) events: Vec<EventRecord>,
}

impl RunEvidence<'_> {
    /// Returns the users whose deletion was accepted.
    pub(crate) fn deleted_users(&self) -> HashSet<Uuid> {
        let users =
            self.events().filter(|event| matches!(event.event(), Ok(Event::User(UserEvent::UserDeleted))));
        users.map(|event| event.key).collect()
    }

    /// Returns the events of all partitions.
    pub(crate) fn events(&self) -> impl Iterator<Item = &EventRecord> {
        self.partitions.iter().flat_map(|partition| &partition.events)
    }
}
