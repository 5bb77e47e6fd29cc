//! The event streams as anybody can read them.

use crate::ports::Unavailable;
use auction_wire::{EventRecord, PartitionId};
use std::future::Future;

/// Reads without consuming.
pub trait EventStreamReader: Send + Sync {
    /// At most `limit` events that lie on a partition's stream behind a position, in order.
    fn events_after(
        &self,
        partition: PartitionId,
        after: u64,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<EventRecord>, Unavailable>> + Send;
}
