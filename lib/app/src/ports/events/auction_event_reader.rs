//! The events of one auction, for those few who read it from the store.

use crate::ports::Unavailable;
use auction_domain::AuctionId;
use auction_wire::EventRecord;
use std::future::Future;

/// Read beside the lanes.
pub trait AuctionEventReader: Send + Sync {
    /// At most `limit` events of an auction with versions above `after`, in order.
    fn events_of(
        &self,
        auction: AuctionId,
        after: u64,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<EventRecord>, Unavailable>> + Send;
}
