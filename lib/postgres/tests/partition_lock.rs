//! Locks in Postgres keep their contract, and nobody holds one for ever.

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

/// Its process is paused, say.
#[tokio::test]
async fn a_holder_that_falls_silent_loses_it() {
    let locks = locks().await;
    let (mut silent, mut next) = (locks.open(P).await.unwrap(), locks.open(P).await.unwrap());
    assert!(silent.take().await.unwrap());
    let began = Instant::now();
    while !next.take().await.unwrap() {
        assert!(began.elapsed() < Duration::from_secs(30), "it is held for ever");
    }
    assert!(silent.release().await.is_err(), "and it is told");
}
