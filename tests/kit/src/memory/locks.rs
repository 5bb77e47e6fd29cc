use auction_app::ports::Unavailable;
use auction_app::ports::events::partition_lock::{PartitionLock, PartitionLockConnector};
use auction_wire::PartitionId;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Mutex, OwnedMutexGuard};

/// Maximum time that `take` waits for the lock.
const TIMEOUT: Duration = Duration::from_millis(100);

/// Locks of all partitions. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct MemoryLocks(Arc<std::sync::Mutex<BTreeMap<PartitionId, Arc<Mutex<()>>>>>);

#[derive(Debug)]
pub struct MemoryLock {
    lock: Arc<Mutex<()>>,
    held: Option<OwnedMutexGuard<()>>,
}

impl PartitionLockConnector for MemoryLocks {
    type Lock = MemoryLock;
    async fn open(&self, partition: PartitionId) -> Result<MemoryLock, Unavailable> {
        let lock = self.0.lock().unwrap().entry(partition).or_default().clone();
        Ok(MemoryLock { lock, held: None })
    }
}

impl PartitionLock for MemoryLock {
    async fn take(&mut self) -> Result<bool, Unavailable> {
        self.held = tokio::time::timeout(TIMEOUT, self.lock.clone().lock_owned()).await.ok();
        Ok(self.held.is_some())
    }

    async fn release(&mut self) -> Result<(), Unavailable> {
        self.held = None;
        Ok(())
    }
}
