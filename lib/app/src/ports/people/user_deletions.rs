//! Progress of user deletions: which deleted users still have bids or auctions.

use crate::ports::Unavailable;
use auction_domain::{AuctionId, Timestamp, UserId};
use std::future::Future;

/// User deletions, each with its progress.
pub trait UserDeletions: Send + Sync {
    /// Returns at most `limit` unfinished deletions, those with the earliest `retry_at` first. A deletion is
    /// among them as soon as its event is stored.
    fn unfinished(
        &self,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<PendingDeletion>, Unavailable>> + Send;

    /// Returns the active bids and the auctions of these users in auctions without a result, without
    /// duplicates.
    fn open_interests(
        &self,
        users: &[UserId],
    ) -> impl Future<Output = Result<Vec<(UserId, OpenInterest)>, Unavailable>> + Send;

    /// Records that the commands of these deletions were sent: increments `attempt` and stores `retry_at`.
    ///
    /// A deletion is skipped if its stored `attempt` is not the given one. This makes the call idempotent.
    fn record_sent(&self, sent: &[PendingDeletion]) -> impl Future<Output = Result<(), Unavailable>> + Send;

    /// Marks deletions, by sequence number, as finished. Idempotent.
    fn mark_finished(&self, deletions: &[u64]) -> impl Future<Output = Result<(), Unavailable>> + Send;
}

/// User deletion that is not finished.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PendingDeletion {
    /// Sequence number of the deletion.
    pub sequence: u64,
    /// User who was deleted.
    pub user: UserId,
    /// How often its commands were sent.
    pub attempt: u32,
    /// Time before which its commands are not sent again.
    pub retry_at: Timestamp,
}

/// Interest of a user in an auction without a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum OpenInterest {
    /// Active bids in the auction.
    Bids(AuctionId),
    /// The auction itself, which the user sells.
    Sale(AuctionId),
}
