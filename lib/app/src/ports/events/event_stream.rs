//! The event stream of one partition, as one component consumes it.

use crate::ports::Unavailable;
use auction_wire::{EventRecord, PartitionId};
use std::future::Future;

/// Opens the event streams of partitions.
pub trait EventStreamConnector: Send + Sync {
    /// Stream that this connector opens.
    type Stream: EventStream;

    /// Opens the event stream of a partition for a component, on a dedicated connection.
    ///
    /// Reading starts after all events that were delivered to this component before, on any connection.
    fn open(
        &self,
        component: &'static str,
        partition: PartitionId,
    ) -> impl Future<Output = Result<Self::Stream, Unavailable>> + Send;
}

/// An open event stream. After an error, drop it and open another one.
pub trait EventStream: Send {
    /// Returns the next events in order; empty if none arrived in time.
    ///
    /// Each event is delivered once, so the consumer must keep its own checkpoint. Positions have gaps where
    /// the stream was trimmed, where it has entries that are not events, and where events were delivered to a
    /// connection that was lost. Events may repeat after the stream was lost and published again.
    fn read(&mut self) -> impl Future<Output = Result<Vec<EventRecord>, Unavailable>> + Send;

    /// Returns the last event that was on the stream when it was opened; `None` if there was no readable one.
    fn last_event_at_open(&self) -> Option<&EventRecord>;

    /// Leaves the consumer group.
    fn leave_group(self) -> impl Future<Output = Result<(), Unavailable>> + Send;
}
