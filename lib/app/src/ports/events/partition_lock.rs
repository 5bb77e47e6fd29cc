//! Lock on a partition, for writers that share partitions instead of leasing them.

use crate::ports::Unavailable;
use auction_wire::PartitionId;
use std::future::Future;

/// Connects to the locks of partitions.
pub trait PartitionLockConnector: Send + Sync {
    /// Lock of one partition, as one writer uses it.
    type Lock: PartitionLock;

    /// Connects to the lock of a partition. Does not acquire it.
    fn open(&self, partition: PartitionId) -> impl Future<Output = Result<Self::Lock, Unavailable>> + Send;
}

/// Lock of one partition.
///
/// Dropping it releases the lock. The lock of an unresponsive holder is released after a timeout, so two
/// writers may believe that they hold it. The lock only avoids wasted work: correctness comes from the
/// conditional append and publish.
pub trait PartitionLock: Send {
    /// Waits for the lock, for a bounded time. Returns whether this writer holds it now.
    fn take(&mut self) -> impl Future<Output = Result<bool, Unavailable>> + Send;

    /// Releases the lock, so that another writer can take it.
    fn release(&mut self) -> impl Future<Output = Result<(), Unavailable>> + Send;
}
