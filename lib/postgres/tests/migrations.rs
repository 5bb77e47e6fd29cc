//! Bringing a database to the present schema while the server comes and goes.

use auction_postgres::migrate::{MigrateError, migrate};
use auction_testkit::local_servers::{PARTITIONS, connect, database};
use auction_wire::PartitionCount;
use std::time::{Duration, Instant};

#[tokio::test]
async fn a_server_that_goes_away_during_a_migration_is_unavailable_and_no_failure() {
    let url = database().await;
    let sql = connect(&url).await;
    // It has to wait for this table, and so it is somewhere in the middle.
    sql.batch_execute("BEGIN; LOCK TABLE refinery_schema_history").await.unwrap();
    let partitions = PartitionCount::new(PARTITIONS).unwrap();
    let migrating = {
        let url = url.clone();
        tokio::spawn(async move { migrate(&url, partitions).await })
    };
    let admin = connect(&url).await;
    let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
               WHERE datname = current_database() AND wait_event_type = 'Lock'";
    let began = Instant::now();
    while admin.query(end, &[]).await.unwrap().is_empty() {
        assert!(began.elapsed() < Duration::from_secs(30), "it never waited");
        tokio::time::sleep(Duration::from_millis(5)).await; // between two looks, with a deadline
    }
    let ended = migrating.await.unwrap();
    assert!(matches!(ended, Err(MigrateError::Unavailable(_))), "{ended:?}");
    sql.batch_execute("ROLLBACK").await.unwrap();
    migrate(&url, partitions).await.unwrap();
}

#[tokio::test]
async fn a_process_that_is_paused_while_it_starts_holds_no_other_up() {
    let url = database().await;
    let sql = connect(&url).await;
    sql.batch_execute("BEGIN; LOCK TABLE refinery_schema_history").await.unwrap();
    let partitions = PartitionCount::new(PARTITIONS).unwrap();
    // It has the lock of all starts, and is then polled no more.
    let mut paused = Box::pin(migrate(&url, partitions));
    let admin = connect(&url).await;
    let waits =
        "SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    let reached = async {
        while admin.query(waits, &[]).await.unwrap().is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await; // between two looks, with a deadline
        }
    };
    tokio::select! {
        ended = &mut paused => panic!("it did not wait: {ended:?}"),
        reached = tokio::time::timeout(Duration::from_secs(30), reached) => reached.unwrap(),
    }
    sql.batch_execute("ROLLBACK").await.unwrap();
    tokio::time::timeout(Duration::from_secs(60), migrate(&url, partitions)).await.unwrap().unwrap();
    let ended = paused.await;
    assert!(matches!(ended, Err(MigrateError::Unavailable(_))), "waited for and tried again: {ended:?}");
}
