//! Reads newly published events of all partitions, for live updates.

use crate::ports::Unavailable;
use auction_wire::EventRecord;
use std::future::Future;

/// Opens tails of the event streams.
pub trait EventTailConnector: Send + Sync {
    /// Tail that this connector opens.
    type Tail: EventTail;

    /// Opens a tail on one dedicated connection, regardless of the number of subscribers.
    fn open(&self) -> impl Future<Output = Result<Self::Tail, Unavailable>> + Send;
}

/// Newly published events of all partitions. After an error, drop it and open another one.
pub trait EventTail: Send {
    /// Returns the next events, ordered per partition; empty if none arrived in time.
    ///
    /// The first call returns events that were published after the tail was opened. Events may be missing if
    /// a stream lost them meanwhile, so a reader must detect gaps and fill them from another source.
    fn read(&mut self) -> impl Future<Output = Result<Vec<EventRecord>, Unavailable>> + Send;
}
