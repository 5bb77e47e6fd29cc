//! The event store: the source of truth for events, outcomes and users.

use crate::ports::Unavailable;
use auction_domain::{Actor, AuctionId, Timestamp, UserId};
use auction_wire::{CommandId, Event, EventRecord, Outcome, PartitionId, SnapshotRecord};
use std::future::Future;
use uuid::Uuid;

/// Opens connections to the store.
pub trait EventStoreConnector: Send + Sync {
    /// Connection that this connector opens.
    type Store: EventStore;

    /// Opens another connection to the store.
    fn open(&self) -> impl Future<Output = Result<Self::Store, Unavailable>> + Send;
}

/// One connection to the store. After an error, drop it and open another one.
pub trait EventStore: Send {
    /// Returns the head of a partition: its newest position; zero before its first event.
    fn head(&mut self, partition: PartitionId) -> impl Future<Output = Result<u64, Unavailable>> + Send;

    /// Returns at most `limit` events of a partition with positions above `after`, in order.
    fn events_after(
        &mut self,
        partition: PartitionId,
        after: u64,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<EventRecord>, Unavailable>> + Send;

    /// Returns all events of these aggregates with positions up to `until`, ordered by key and version.
    fn history(
        &mut self,
        keys: &[Uuid],
        until: u64,
    ) -> impl Future<Output = Result<Vec<EventRecord>, Unavailable>> + Send;

    /// Returns the events of these aggregates as [`EventStore::history`] does, with snapshots in place of the
    /// events that they cover.
    ///
    /// A snapshot is used if its position is at most `until` and its format is that of this program. Its body
    /// is not validated: it may be unreadable.
    fn history_since_snapshot(
        &mut self,
        keys: &[Uuid],
        until: u64,
    ) -> impl Future<Output = Result<AggregateHistory, Unavailable>> + Send;

    /// Stores a snapshot of stored events. It replaces an older snapshot and one of another format.
    fn save_snapshot(
        &mut self,
        snapshot: &SnapshotRecord,
    ) -> impl Future<Output = Result<(), Unavailable>> + Send;

    /// Returns the stored outcomes of these commands of a partition. Commands without an outcome are left out.
    fn outcomes(
        &mut self,
        partition: PartitionId,
        commands: &[CommandId],
    ) -> impl Future<Output = Result<Vec<Outcome>, Unavailable>> + Send;

    /// Returns those of these users that exist, are not deleted, and are not barred from the partition.
    fn active_users(
        &mut self,
        partition: PartitionId,
        users: &[UserId],
    ) -> impl Future<Output = Result<Vec<UserId>, Unavailable>> + Send;

    /// Returns the users that are barred from the partition and may have active bids or open auctions there.
    fn unfinished_bars(
        &mut self,
        partition: PartitionId,
    ) -> impl Future<Output = Result<Vec<UserId>, Unavailable>> + Send;

    /// Returns the auctions of a partition without a result, with their end times and the head that the
    /// answer corresponds to.
    fn open_auctions(
        &mut self,
        partition: PartitionId,
    ) -> impl Future<Output = Result<OpenAuctions, Unavailable>> + Send;

    /// Returns the promoted auctions of a partition whose seed is not revealed, with the head that the answer
    /// corresponds to.
    fn unrevealed_auctions(
        &mut self,
        partition: PartitionId,
    ) -> impl Future<Output = Result<UnrevealedAuctions, Unavailable>> + Send;

    /// Appends a batch, all or nothing: its events after `expected_head`, and its outcomes.
    ///
    /// After [`AppendResult::Committed`] the batch is on disk. After an error the batch may be stored;
    /// reading the head shows whether it is.
    fn append(
        &mut self,
        batch: &AppendBatch,
    ) -> impl Future<Output = Result<AppendResult, Unavailable>> + Send;
}

/// Snapshots and events of some aggregates.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AggregateHistory {
    /// At most one snapshot per aggregate.
    pub snapshots: Vec<SnapshotRecord>,
    /// Events that no snapshot covers, ordered by key and version.
    pub events: Vec<EventRecord>,
}

/// Open auctions of a partition, which the auctioneer starts from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OpenAuctions {
    /// Head of the partition when the auctions were read.
    pub position: u64,
    /// Auctions and their end times.
    pub auctions: Vec<(AuctionId, Timestamp)>,
}

/// Promoted auctions of a partition, which the promoter starts from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UnrevealedAuctions {
    /// Head of the partition when the auctions were read.
    pub position: u64,
    /// Auctions with draws to hold, or a seed to reveal.
    pub auctions: Vec<AuctionId>,
}

/// Batch to append in one transaction.
#[derive(Clone, Debug)]
pub struct AppendBatch {
    /// Partition to append to.
    pub partition: PartitionId,
    /// Head that the decisions are based on.
    pub expected_head: u64,
    /// Events; their positions follow `expected_head` without a gap.
    pub events: Vec<NewEvent>,
    /// One outcome per command.
    pub outcomes: Vec<Outcome>,
}

/// Event that is not stored yet.
#[derive(Clone, Debug)]
pub struct NewEvent {
    /// The event in the form in which it is stored and published.
    pub record: EventRecord,
    /// The event, decoded. Inline projections are made from it.
    pub event: Event,
    /// Actor of the command that caused the event.
    pub actor: Actor,
}

/// Result of appending a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AppendResult {
    /// The batch is on disk.
    Committed,
    /// Nothing was written: the head of the partition is not `expected_head`; another writer appended.
    HeadConflict,
    /// Nothing was written: one of the commands has an outcome already.
    DuplicateCommand,
    /// Nothing was written: the store rejects the content, for the given reason. A retry does not help.
    Rejected(String),
}
