//! Reads the stored events of one auction.

use crate::ports::Unavailable;
use auction_domain::AuctionId;
use auction_wire::EventRecord;
use std::future::Future;

/// Reads the stored events of auctions, independently of the partition writers.
pub trait AuctionEventReader: Send + Sync {
    /// Returns at most `limit` events of an auction with versions above `after`, in order; empty if there is
    /// no such auction.
    fn events_of(
        &self,
        auction: AuctionId,
        after: u64,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<EventRecord>, Unavailable>> + Send;
}
