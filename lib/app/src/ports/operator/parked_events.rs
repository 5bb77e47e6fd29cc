//! Parked events: events that a component cannot process.
//!
//! A component parks an aggregate (a user or an auction) at the event that it cannot process. The later
//! events of that aggregate wait; all other aggregates continue. Only the position is stored here; the events
//! are in the event store.

use crate::ports::Unavailable;
use async_trait::async_trait;
use auction_domain::Timestamp;
use auction_wire::{EventRecord, PartitionId};
use uuid::Uuid;

/// Parked aggregates of all components.
#[async_trait]
pub trait ParkedEvents: Send + Sync {
    /// Returns the parked aggregates of a component in a partition, ordered by position.
    async fn of(&self, component: &str, partition: PartitionId) -> Result<Vec<ParkedAggregate>, Unavailable>;

    /// Returns all parked aggregates, ordered by component, partition and position.
    async fn all(&self) -> Result<Vec<ParkedAggregate>, Unavailable>;

    /// Parks an aggregate. If it is parked already, its entry is replaced and its requested action cleared.
    async fn park(
        &self,
        component: &str,
        partition: PartitionId,
        event: &ParkedEvent,
    ) -> Result<(), Unavailable>;

    /// Removes the entry of an aggregate that is parked at this position, after its event was processed or
    /// dropped. Does nothing if there is no such entry.
    async fn unpark(&self, component: &str, key: Uuid, position: u64) -> Result<(), Unavailable>;

    /// Stores the action that the component must take. Returns whether the aggregate is parked at this
    /// position.
    async fn request(
        &self,
        component: &str,
        key: Uuid,
        position: u64,
        action: OperatorAction,
    ) -> Result<bool, Unavailable>;
}

/// Parked aggregate: a user or an auction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParkedAggregate {
    /// Component that parked it.
    pub component: String,
    /// Partition of the aggregate.
    pub partition: PartitionId,
    /// Event that could not be processed.
    pub event: ParkedEvent,
    /// When it was parked, by the clock of the store.
    pub parked_at: Timestamp,
    /// Action that an operator requested and the component has not taken yet.
    pub requested_action: Option<OperatorAction>,
}

/// Event that could not be processed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParkedEvent {
    /// Id of the user or auction.
    pub key: Uuid,
    /// Position of the event in its partition.
    pub position: u64,
    /// Version of the aggregate at the event.
    pub version: u64,
    /// Kind of the event.
    pub kind: String,
    /// Why the event is parked.
    pub reason: ParkReason,
    /// Error text for the operator.
    pub error: String,
}

impl ParkedEvent {
    /// Creates an entry from an event and the cause.
    pub fn new(event: &EventRecord, reason: ParkReason, error: String) -> ParkedEvent {
        let EventRecord { key, position, version, kind, .. } = event;
        ParkedEvent { key: *key, position: *position, version: *version, kind: kind.clone(), reason, error }
    }
}

/// Reasons an event is parked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParkReason {
    /// The kind or version of the event is unknown to this program, or the event is damaged.
    Unreadable,
    /// Processing the event panicked.
    Panicked,
    /// The component reports that it cannot process the event.
    Refused,
}

impl ParkReason {
    /// Every reason, for lookups by name.
    pub const ALL: [ParkReason; 3] = [ParkReason::Unreadable, ParkReason::Panicked, ParkReason::Refused];

    /// Returns the name in the store, in the API and in metrics.
    pub fn name(self) -> &'static str {
        match self {
            ParkReason::Unreadable => "unreadable",
            ParkReason::Panicked => "panicked",
            ParkReason::Refused => "refused",
        }
    }
}

/// Action that an operator requests for a parked aggregate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OperatorAction {
    /// Process the event and the waiting ones again.
    Retry,
    /// Skip the event and process the waiting ones.
    Drop,
}

impl OperatorAction {
    /// Every action, for lookups by name.
    pub const ALL: [OperatorAction; 2] = [OperatorAction::Retry, OperatorAction::Drop];

    /// Returns the name in the store.
    pub fn name(self) -> &'static str {
        match self {
            OperatorAction::Retry => "retry",
            OperatorAction::Drop => "drop",
        }
    }
}
