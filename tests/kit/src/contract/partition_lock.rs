//! Contract of [`PartitionLock`]: one holder at a time.

use crate::fixtures::P;
use auction_app::ports::events::partition_lock::{PartitionLock, PartitionLockConnector};
use auction_wire::PartitionId;

pub async fn lock_has_one_holder_at_a_time(locks: &impl PartitionLockConnector) {
    let (mut one, mut other) = (locks.open(P).await.unwrap(), locks.open(P).await.unwrap());
    for _ in 0..2 {
        assert!(one.take().await.unwrap());
        assert!(!other.take().await.unwrap());
        one.release().await.unwrap();
        assert!(other.take().await.unwrap());
        assert!(!one.take().await.unwrap());
        other.release().await.unwrap();
    }
}

pub async fn partitions_have_independent_locks(locks: &impl PartitionLockConnector) {
    let (mut one, mut other) = (locks.open(P).await.unwrap(), locks.open(PartitionId(1)).await.unwrap());
    assert!(one.take().await.unwrap());
    assert!(other.take().await.unwrap());
}

pub async fn lock_is_released_when_its_holder_ends(locks: &impl PartitionLockConnector) {
    let (mut ended, mut next) = (locks.open(P).await.unwrap(), locks.open(P).await.unwrap());
    assert!(ended.take().await.unwrap());
    drop(ended);
    // The server may need a moment to notice that the connection is closed.
    let mut taken = false;
    for _ in 0..10 {
        taken = taken || next.take().await.unwrap();
    }
    assert!(taken);
}
