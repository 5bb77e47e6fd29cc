//! The event stream of one partition, for one service.

use super::Unavailable;
use auction_wire::{EventRecord, PartitionId};
use std::future::Future;

/// Makes feeds.
pub trait EventFeeds: Send + Sync {
    /// A feed.
    type Feed: EventFeed;

    /// Opens the feed of a service on a partition's event stream, on a connection of its own, with all
    /// that was delivered to this service and not acknowledged.
    fn open(
        &self,
        service: &'static str,
        partition: PartitionId,
    ) -> impl Future<Output = Result<Self::Feed, Unavailable>> + Send;
}

/// One feed. After an error it is dropped and another one opened.
pub trait EventFeed: Send {
    /// The next events in order; empty when none came in time. What the call before returned must be
    /// done with by now. Positions may repeat, and may jump if the stream was trimmed or holds what is no event.
    fn read(&mut self) -> impl Future<Output = Result<Vec<EventRecord>, Unavailable>> + Send;

    /// The events at these positions are done with. They are acknowledged with one of the next reads, or when the
    /// feed is left: if the process ends before, they come again.
    fn acknowledge(&mut self, positions: &[u64]);

    /// Acknowledges what is done with and leaves the group. Nothing else may be pending.
    fn leave(self) -> impl Future<Output = Result<(), Unavailable>> + Send;
}
