//! Reads the event streams without consuming them.

use crate::ports::Unavailable;
use auction_wire::{EventRecord, PartitionId};
use std::future::Future;

/// Reads published events without a consumer group.
pub trait EventStreamReader: Send + Sync {
    /// Returns at most `limit` events of a partition's stream with positions above `after`, in order. Events
    /// that the stream does not have any more are missing.
    fn events_after(
        &self,
        partition: PartitionId,
        after: u64,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<EventRecord>, Unavailable>> + Send;
}
