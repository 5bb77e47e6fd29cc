//! Reads the stored events of one auction.

use crate::ports::Unavailable;
use async_trait::async_trait;
use auction_domain::AuctionId;
use auction_wire::EventRecord;

/// Reads the stored events of auctions, independently of the partition writers.
#[async_trait]
pub trait AuctionEventReader: Send + Sync {
    /// Returns at most `limit` events of an auction with versions above `after`, in order; empty if there is
    /// no such auction.
    async fn events_of(
        &self,
        auction: AuctionId,
        after: u64,
        limit: usize,
    ) -> Result<Vec<EventRecord>, Unavailable>;
}
