//! The event stream of one partition, for one service.

use crate::ports::Unavailable;
use auction_wire::{EventRecord, PartitionId};
use std::future::Future;

/// Makes feeds.
pub trait EventStreamConnector: Send + Sync {
    /// A feed.
    type Feed: EventStream;

    /// Opens the feed of a service on a partition's event stream, on a connection of its own, behind all that any feed
    /// of this service was handed.
    fn open(
        &self,
        service: &'static str,
        partition: PartitionId,
    ) -> impl Future<Output = Result<Self::Feed, Unavailable>> + Send;
}

/// One feed. After an error it is dropped and another one opened.
pub trait EventStream: Send {
    /// The next events in order; empty when none came in time. Nothing is handed out twice, so whoever follows must
    /// know by himself how far he is: positions jump where the stream was trimmed or holds what is no event, or where
    /// events were handed to a feed that was lost. They may repeat when the stream was published anew.
    fn read(&mut self) -> impl Future<Output = Result<Vec<EventRecord>, Unavailable>> + Send;

    /// The last event that was on the stream when the feed was opened; none if there was none of ours.
    fn last_event_at_open(&self) -> Option<&EventRecord>;

    /// Leaves the group.
    fn leave(self) -> impl Future<Output = Result<(), Unavailable>> + Send;
}
