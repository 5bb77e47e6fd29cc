//! What is left of deleted users, and how far taking it away has come.

use crate::ports::Unavailable;
use auction_domain::{AuctionId, Timestamp, UserId};
use std::future::Future;

/// The deletions of users, each with its progress.
pub trait UserDeletions: Send + Sync {
    /// At most `limit` deletions that are not finished, those with the earliest `again_at` first. A deletion
    /// that was decided is among them from then on.
    fn unfinished(
        &self,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<PendingDeletion>, Unavailable>> + Send;

    /// What these users have at stake in auctions without a result; each stake once.
    fn open_interests(
        &self,
        users: &[UserId],
    ) -> impl Future<Output = Result<Vec<(UserId, OpenInterest)>, Unavailable>> + Send;

    /// What must follow from these was sent. Each passes only if the deletion still is at this attempt: then
    /// it is at the next, and `again_at` is when to send again.
    fn record_sent(&self, sent: &[PendingDeletion]) -> impl Future<Output = Result<(), Unavailable>> + Send;

    /// Nothing is left of these: they are finished for good.
    fn finished(&self, deletions: &[u64]) -> impl Future<Output = Result<(), Unavailable>> + Send;
}

/// A deletion of which something may be left to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PendingDeletion {
    /// Its sequence number.
    pub sequence: u64,
    /// Who was deleted.
    pub user: UserId,
    /// How often what must follow was sent.
    pub attempt: u32,
    /// It is not sent again before.
    pub again_at: Timestamp,
}

/// What a user has in an auction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum OpenInterest {
    /// Live bids.
    Bids(AuctionId),
    /// The auction itself: he sells.
    Sale(AuctionId),
}
