//! Progress of user deletions: which partitions have barred a deleted user, and what the user still has there.

use crate::ports::Unavailable;
use auction_domain::{AuctionId, Timestamp, UserId};
use auction_wire::PartitionId;
use std::future::Future;

/// User deletions and the bars of deleted users, each with its progress.
pub trait UserDeletions: Send + Sync {
    /// Returns at most `limit` unfinished deletions, those with the earliest `retry_at` first. A deletion is
    /// among them as soon as its event is stored.
    fn unfinished(
        &self,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<PendingDeletion>, Unavailable>> + Send;

    /// Returns all stored bars of these users, finished or not.
    fn bars(&self, users: &[UserId]) -> impl Future<Output = Result<Vec<Bar>, Unavailable>> + Send;

    /// Returns what these users have left in auctions of these partitions without a result, without duplicates.
    /// After the bar of a user is stored, nothing is added.
    fn open_interests(
        &self,
        barred: &[(PartitionId, UserId)],
    ) -> impl Future<Output = Result<Vec<(PartitionId, UserId, OpenInterest)>, Unavailable>> + Send;

    /// Records that these deletions were processed: increments `attempt` and stores `retry_at`.
    ///
    /// A deletion is skipped if its stored `attempt` is not the given one. This makes the call idempotent.
    fn record_attempts(
        &self,
        sent: &[PendingDeletion],
    ) -> impl Future<Output = Result<(), Unavailable>> + Send;

    /// Records that the commands for what these users have left were sent, as
    /// [`UserDeletions::record_attempts`] does.
    fn record_removals_sent(&self, sent: &[Bar]) -> impl Future<Output = Result<(), Unavailable>> + Send;

    /// Marks bars as finished: the user has nothing left in the partition. Idempotent.
    fn finish_bars(
        &self,
        bars: &[(PartitionId, UserId)],
    ) -> impl Future<Output = Result<(), Unavailable>> + Send;

    /// Marks deletions as finished. Idempotent.
    fn finish(&self, users: &[UserId]) -> impl Future<Output = Result<(), Unavailable>> + Send;
}

/// User deletion that is not finished.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PendingDeletion {
    /// User who was deleted.
    pub user: UserId,
    /// How often it was processed.
    pub attempt: u32,
    /// Time before which missing bars are not sent again.
    pub retry_at: Timestamp,
}

/// Stored bar of a deleted user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bar {
    /// Partition that refuses the user.
    pub partition: PartitionId,
    /// User who was deleted.
    pub user: UserId,
    /// How often the commands for what the user has left were sent.
    pub attempt: u32,
    /// Time before which they are not sent again.
    pub retry_at: Timestamp,
    /// Whether the user has nothing left in the partition.
    pub finished: bool,
}

/// Interest of a user in an auction without a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum OpenInterest {
    /// Active bids in the auction.
    Bids(AuctionId),
    /// The auction itself, which the user sells.
    Sale(AuctionId),
}
