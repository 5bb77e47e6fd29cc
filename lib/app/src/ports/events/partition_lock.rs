//! A lock on a partition, for writers that share it and do not try their luck.

use crate::ports::Unavailable;
use auction_wire::PartitionId;
use std::future::Future;

/// Makes locks.
pub trait PartitionLockConnector: Send + Sync {
    /// The lock of one partition, as one writer has it.
    type Lock: PartitionLock;

    /// Connects. Nothing is locked yet.
    fn open(&self, partition: PartitionId) -> impl Future<Output = Result<Self::Lock, Unavailable>> + Send;
}

/// The lock of one partition. It is released when this is dropped, and some time after its holder fell
/// silent: it saves work that would be thrown away, and is not what keeps the events right.
pub trait PartitionLock: Send {
    /// Waits for it, but not longer than a moment. Returns whether it is held now.
    fn take(&mut self) -> impl Future<Output = Result<bool, Unavailable>> + Send;

    /// Lets the next one have it.
    fn release(&mut self) -> impl Future<Output = Result<(), Unavailable>> + Send;
}
