//! What is published from now on, in all partitions: for those who look on, and miss nothing that matters when they
//! miss some of it.

use crate::ports::Unavailable;
use auction_wire::EventRecord;
use std::future::Future;

/// Makes tails.
pub trait EventTailConnector: Send + Sync {
    /// A tail.
    type Tail: EventTail;

    /// A connection of its own, however many look on.
    fn open(&self) -> impl Future<Output = Result<Self::Tail, Unavailable>> + Send;
}

/// The ends of all event streams. After an error it is dropped and another one opened.
pub trait EventTail: Send {
    /// The next events, in order in each partition; empty when none came in time. The first call reads what is
    /// published after the tail was opened. What a stream lost meanwhile is missing.
    fn read(&mut self) -> impl Future<Output = Result<Vec<EventRecord>, Unavailable>> + Send;
}
