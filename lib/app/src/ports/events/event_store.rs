//! The source of truth: events, outcomes, users.

use crate::ports::Unavailable;
use auction_domain::{Actor, AuctionId, Timestamp, UserId};
use auction_wire::{CommandId, Event, EventRecord, Outcome, PartitionId, SnapshotRecord};
use std::future::Future;
use uuid::Uuid;

/// Makes connections to the store.
pub trait EventStoreConnector: Send + Sync {
    /// A connection.
    type Store: EventStore;

    /// Connects.
    fn open(&self) -> impl Future<Output = Result<Self::Store, Unavailable>> + Send;
}

/// One connection to the store. After an error it is dropped.
pub trait EventStore: Send {
    /// The newest position of a partition; zero before its first event.
    fn head(&mut self, partition: PartitionId) -> impl Future<Output = Result<u64, Unavailable>> + Send;

    /// At most `limit` events of a partition with positions above `after`, in order.
    fn events_after(
        &mut self,
        partition: PartitionId,
        after: u64,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<EventRecord>, Unavailable>> + Send;

    /// All events of these users and auctions with positions up to `until`, by key, then by version.
    fn history(
        &mut self,
        keys: &[Uuid],
        until: u64,
    ) -> impl Future<Output = Result<Vec<EventRecord>, Unavailable>> + Send;

    /// The same, but of what has a snapshot as of a position up to `until`, in the format of this program, the
    /// snapshot and the events behind it, whether or not it can be read.
    fn history_since_snapshot(
        &mut self,
        keys: &[Uuid],
        until: u64,
    ) -> impl Future<Output = Result<AggregateHistory, Unavailable>> + Send;

    /// Keeps a snapshot of events that are stored, instead of an older one or one of another format.
    fn save_snapshot(
        &mut self,
        snapshot: &SnapshotRecord,
    ) -> impl Future<Output = Result<(), Unavailable>> + Send;

    /// The stored outcomes of those of these commands that were decided before.
    fn outcomes(
        &mut self,
        commands: &[CommandId],
    ) -> impl Future<Output = Result<Vec<Outcome>, Unavailable>> + Send;

    /// Those of these users who exist and are not deleted.
    fn active_users(
        &mut self,
        users: &[UserId],
    ) -> impl Future<Output = Result<Vec<UserId>, Unavailable>> + Send;

    /// Deletions of users with sequence numbers above `after`, in order.
    fn deletions_after(
        &mut self,
        after: u64,
    ) -> impl Future<Output = Result<Vec<(u64, UserId)>, Unavailable>> + Send;

    /// The sequence number of the newest deletion; zero before the first.
    fn newest_deletion(&mut self) -> impl Future<Output = Result<u64, Unavailable>> + Send;

    /// The auctions of a partition whose result is not declared, with their ends, as of a position.
    fn open_auctions(
        &mut self,
        partition: PartitionId,
    ) -> impl Future<Output = Result<OpenAuctions, Unavailable>> + Send;

    /// The promoted auctions of a partition whose seed is not revealed, as of a position.
    fn unrevealed_auctions(
        &mut self,
        partition: PartitionId,
    ) -> impl Future<Output = Result<UnrevealedAuctions, Unavailable>> + Send;

    /// Appends a batch whole or not at all: its events behind `expected_head`, and its outcomes.
    fn append(
        &mut self,
        batch: &AppendBatch,
    ) -> impl Future<Output = Result<AppendResult, Unavailable>> + Send;
}

/// What some users and auctions have been through.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AggregateHistory {
    /// At most one each.
    pub snapshots: Vec<SnapshotRecord>,
    /// Those that are not in a snapshot, by key, then by version.
    pub events: Vec<EventRecord>,
}

/// What an auctioneer starts from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OpenAuctions {
    /// The partition's newest position when this was read.
    pub position: u64,
    /// Auctions and their ends.
    pub auctions: Vec<(AuctionId, Timestamp)>,
}

/// What a promoter starts from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UnrevealedAuctions {
    /// The partition's newest position when this was read.
    pub position: u64,
    /// Auctions with draws to hold, or a seed to show.
    pub auctions: Vec<AuctionId>,
}

/// A batch to append.
#[derive(Clone, Debug)]
pub struct AppendBatch {
    /// Where.
    pub partition: PartitionId,
    /// The newest position that its decisions are based on.
    pub expected_head: u64,
    /// The newest deletion of a user that its decisions know of.
    pub known_deletions: u64,
    /// Positions follow `expected_head` without a hole.
    pub events: Vec<NewEvent>,
    /// One for each command.
    pub outcomes: Vec<Outcome>,
}

/// An event that is not stored yet.
#[derive(Clone, Debug)]
pub struct NewEvent {
    /// How it is stored and published.
    pub record: EventRecord,
    /// The same, decoded: rows beside the events follow from it.
    pub event: Event,
    /// Who asked.
    pub actor: Actor,
}

/// What became of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AppendResult {
    /// It is on disk.
    Committed,
    /// Nothing was written: somebody else appended to the partition.
    HeadConflict,
    /// Nothing was written: one of the commands was decided before.
    DuplicateCommand,
    /// Nothing was written: users were deleted of whom the decisions did not know.
    StaleDeletions,
    /// Nothing was written: the store does not take the content, and says why. Another try would not help.
    Rejected(String),
}
