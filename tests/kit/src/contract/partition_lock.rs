//! [`PartitionLock`]: one holder at a time.

use crate::fixtures::P;
use auction_app::ports::events::partition_lock::{PartitionLock, PartitionLockConnector};
use auction_wire::PartitionId;

/// See its name.
pub async fn one_holds_it_at_a_time(locks: &impl PartitionLockConnector) {
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

/// See its name.
pub async fn partitions_are_locked_each_by_itself(locks: &impl PartitionLockConnector) {
    let (mut one, mut other) = (locks.open(P).await.unwrap(), locks.open(PartitionId(1)).await.unwrap());
    assert!(one.take().await.unwrap());
    assert!(other.take().await.unwrap());
}

/// See its name.
pub async fn a_holder_that_is_gone_holds_nothing(locks: &impl PartitionLockConnector) {
    let (mut gone, mut next) = (locks.open(P).await.unwrap(), locks.open(P).await.unwrap());
    assert!(gone.take().await.unwrap());
    drop(gone);
    // A server may take a moment to notice.
    let mut taken = false;
    for _ in 0..10 {
        taken = taken || next.take().await.unwrap();
    }
    assert!(taken);
}
