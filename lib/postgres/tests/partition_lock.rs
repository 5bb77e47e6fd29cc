//! Contract tests of partition locks, and the timeout of a silent holder.

use auction_app::ports::events::partition_lock::{PartitionLock, PartitionLockConnector};
use auction_postgres::PostgresStoreConnector;
use auction_postgres::lock::PostgresLockConnector;
use auction_testkit::fixtures::P;
use auction_testkit::local_servers::database;
use std::time::{Duration, Instant};

async fn locks() -> PostgresLockConnector {
    PostgresLockConnector::new(&PostgresStoreConnector::new(&database().await).unwrap())
}

auction_testkit::contract_tests!(partition_lock, locks().await);

/// For example, when its process is paused.
#[tokio::test]
async fn silent_holder_loses_the_partition_lock() {
    let locks = locks().await;
    let (mut silent, mut next) = (locks.open(P).await.unwrap(), locks.open(P).await.unwrap());
    assert!(silent.take().await.unwrap());
    let began = Instant::now();
    while !next.take().await.unwrap() {
        assert!(began.elapsed() < Duration::from_secs(30), "the silent holder keeps the lock");
    }
    assert!(silent.release().await.is_err(), "the silent holder receives an error");
}
