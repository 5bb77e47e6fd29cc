//! Events that a service cannot handle, and what waits behind them.
//!
//! What is parked is a user or an auction, from one of its events on: that one could not be handled, the
//! later ones wait for it. They are not stored here; they are in the store.

use crate::ports::Unavailable;
use auction_domain::Timestamp;
use auction_wire::{EventRecord, PartitionId};
use std::future::Future;
use uuid::Uuid;

/// What is parked, of all services.
pub trait ParkedEvents: Send + Sync {
    /// What is parked of a service in a partition, by position.
    fn of(
        &self,
        service: &str,
        partition: PartitionId,
    ) -> impl Future<Output = Result<Vec<ParkedAggregate>, Unavailable>> + Send;

    /// Everything that is parked, by service, partition and position.
    fn all(&self) -> impl Future<Output = Result<Vec<ParkedAggregate>, Unavailable>> + Send;

    /// Parks a user or an auction. One that is parked already is parked anew, and nothing is asked any
    /// more.
    fn park(
        &self,
        service: &str,
        partition: PartitionId,
        event: &ParkedEvent,
    ) -> impl Future<Output = Result<(), Unavailable>> + Send;

    /// It is handled, or given up: takes it away, if it still is parked at that position.
    fn unpark(
        &self,
        service: &str,
        key: Uuid,
        position: u64,
    ) -> impl Future<Output = Result<(), Unavailable>> + Send;

    /// Asks the service to do something about it. Returns whether it is parked at that position.
    fn request(
        &self,
        service: &str,
        key: Uuid,
        position: u64,
        asked: OperatorAction,
    ) -> impl Future<Output = Result<bool, Unavailable>> + Send;
}

/// A user or an auction that is parked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParkedAggregate {
    /// By which service.
    pub service: String,
    /// Where.
    pub partition: PartitionId,
    /// The event, and why.
    pub event: ParkedEvent,
    /// When, by the clock of the store.
    pub parked_at: Timestamp,
    /// What an operator asked for.
    pub asked: Option<OperatorAction>,
}

/// The event that could not be handled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParkedEvent {
    /// Of which user or auction.
    pub key: Uuid,
    /// Its position.
    pub position: u64,
    /// Its version.
    pub version: u64,
    /// Its kind.
    pub kind: String,
    /// Why.
    pub reason: ParkReason,
    /// What went wrong.
    pub error: String,
}

impl ParkedEvent {
    /// That event, for that reason.
    pub fn new(event: &EventRecord, reason: ParkReason, error: String) -> ParkedEvent {
        let EventRecord { key, position, version, kind, .. } = event;
        ParkedEvent { key: *key, position: *position, version: *version, kind: kind.clone(), reason, error }
    }
}

/// Why an event was parked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParkReason {
    /// Of a kind or version that the program does not know, or damaged.
    Unreadable,
    /// Handling it panicked.
    Panicked,
    /// The service says that it cannot handle it.
    Refused,
}

impl ParkReason {
    /// Every reason there is.
    pub const ALL: [ParkReason; 3] = [ParkReason::Unreadable, ParkReason::Panicked, ParkReason::Refused];

    /// Its name, in the store and for operators.
    pub fn name(self) -> &'static str {
        match self {
            ParkReason::Unreadable => "unreadable",
            ParkReason::Panicked => "panicked",
            ParkReason::Refused => "refused",
        }
    }
}

/// What an operator asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OperatorAction {
    /// To try the event and those behind it once more.
    Retry,
    /// To give the event up, and to go on with those behind it.
    Drop,
}

impl OperatorAction {
    /// Everything that can be asked.
    pub const ALL: [OperatorAction; 2] = [OperatorAction::Retry, OperatorAction::Drop];

    /// Its name in the store.
    pub fn name(self) -> &'static str {
        match self {
            OperatorAction::Retry => "retry",
            OperatorAction::Drop => "drop",
        }
    }
}
