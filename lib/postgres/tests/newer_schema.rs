//! Migrations of a newer program, and locks that a migration waits for.

use auction_postgres::migrate::{MigrateError, migrate};
use auction_testkit::local_servers::{PARTITIONS, connect, database, eventually};
use auction_wire::PartitionCount;
use refinery::Target;
use std::path::Path;
use std::time::{Duration, Instant};
use tokio_postgres::Client;

mod embedded {
    refinery::embed_migrations!("../../sql/migrations");
}

/// First migration that had to state which programs it is compatible with.
const FIRST_WITH_COMPATIBILITY: i32 = 21;

fn partitions() -> PartitionCount {
    PartitionCount::new(PARTITIONS).unwrap()
}

/// Returns the number of the newest migration of this program.
fn own() -> i32 {
    embedded::migrations::runner().get_migrations().iter().map(refinery::Migration::version).max().unwrap()
}

/// Applies a migration of a newer program, which states the oldest program that is compatible with it.
async fn apply_newer(client: &Client, version: i32, oldest_program: Option<i32>) {
    let applied = "INSERT INTO refinery_schema_history
        SELECT $1, 'an_index_more', applied_on, checksum FROM refinery_schema_history ORDER BY version DESC LIMIT 1";
    assert_eq!(client.execute(applied, &[&version]).await.unwrap(), 1);
    let compatible = "INSERT INTO migration_compatibility (version, oldest_program) VALUES ($1, $2)";
    if let Some(oldest) = oldest_program {
        client.execute(compatible, &[&version, &oldest]).await.unwrap();
    }
}

#[tokio::test]
async fn compatible_newer_migrations_are_accepted() {
    let url = database().await;
    let client = connect(&url).await;
    let before = migrate(&url, partitions()).await.unwrap();
    apply_newer(&client, own() + 1, Some(own())).await;
    apply_newer(&client, own() + 7, Some(1)).await;
    assert_eq!(migrate(&url, partitions()).await.unwrap(), before, "the id of the portal");
    let row = client.query_one("SELECT max(version) FROM refinery_schema_history", &[]).await.unwrap();
    assert_eq!(row.get::<_, i32>(0), own() + 7);
}

#[tokio::test]
async fn incompatible_newer_migration_is_refused_with_both_versions() {
    for (oldest_program, needed) in [(Some(own() + 1), own() + 1), (None, own() + 2)] {
        let url = database().await;
        let client = connect(&url).await;
        apply_newer(&client, own() + 1, Some(own())).await;
        apply_newer(&client, own() + 2, oldest_program).await;
        let error = migrate(&url, partitions()).await.unwrap_err();
        assert!(matches!(error, MigrateError::NewerSchema { .. }), "{error}");
        let (newest, version) = (own() + 2, env!("CARGO_PKG_VERSION"));
        for part in [
            format!("the migration V{newest} (an_index_more)"),
            format!("programs with the migration V{needed} or later"),
            format!("this program (version {version}) ends with V{}", own()),
            "start a newer program".to_owned(),
        ] {
            assert!(error.to_string().contains(&part), "{part:?} is not in: {error}");
        }
    }
}

#[tokio::test]
async fn other_history_is_refused_below_newer_migrations() {
    for change in ["UPDATE refinery_schema_history SET checksum = '7'", "DELETE FROM refinery_schema_history"]
    {
        let url = database().await;
        let client = connect(&url).await;
        apply_newer(&client, own() + 1, Some(own())).await;
        client.batch_execute(&format!("{change} WHERE version = 3")).await.unwrap();
        let error = migrate(&url, partitions()).await.unwrap_err();
        assert!(
            matches!(&error, MigrateError::OtherHistory(migration) if migration.contains("V3__")),
            "{error}"
        );
    }
}

/// A file without the statement would stop the program before it at its next restart.
#[test]
fn migrations_state_their_compatibility() {
    let files = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../sql/migrations");
    let mut checked = 0;
    for file in std::fs::read_dir(files).unwrap() {
        let file = file.unwrap();
        let name = file.file_name().into_string().unwrap();
        let version: i32 = name[1..].split_once("__").unwrap().0.parse().unwrap();
        let text = std::fs::read_to_string(file.path()).unwrap();
        let statement =
            format!("INSERT INTO migration_compatibility (version, oldest_program) VALUES ({version}, ");
        let count = text.matches("INSERT INTO migration_compatibility").count();
        let is_needed = version >= FIRST_WITH_COMPATIBILITY;
        assert_eq!(count, usize::from(is_needed), "{name}");
        assert!(!is_needed || text.contains(&statement), "{name} has no statement {statement}…");
        checked += usize::from(is_needed);
    }
    assert!(checked > 0);
}

#[tokio::test]
async fn many_processes_migrate_at_the_same_time() {
    let url = database().await;
    let mut client = connect(&url).await;
    client.batch_execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public").await.unwrap();
    embedded::migrations::runner().set_target(Target::Version(12)).run_async(&mut client).await.unwrap();
    let starts: Vec<_> = (0..12)
        .map(|_| {
            let url = url.clone();
            tokio::spawn(async move { migrate(&url, partitions()).await })
        })
        .collect();
    let mut ids = Vec::new();
    for start in starts {
        ids.push(start.await.unwrap().unwrap());
    }
    ids.dedup();
    assert_eq!(ids.len(), 1, "one portal: {ids:?}");
}

/// A backup or a report holds a lock on a table. The migration gives up after two seconds, so that the statements
/// that queued behind it continue.
#[tokio::test]
async fn migration_that_waits_for_a_lock_lets_traffic_pass() {
    let url = database().await;
    let mut client = connect(&url).await;
    client.batch_execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public").await.unwrap();
    embedded::migrations::runner().set_target(Target::Version(17)).run_async(&mut client).await.unwrap();
    let report = connect(&url).await;
    report.batch_execute("BEGIN; SELECT count(*) FROM users").await.unwrap();
    let migrating = tokio::spawn({
        let url = url.clone();
        async move { migrate(&url, partitions()).await }
    });
    eventually("the migration waits for the table", || async {
        let waiting = "SELECT FROM pg_locks WHERE NOT granted AND relation = 'users'::regclass";
        !client.query(waiting, &[]).await.unwrap().is_empty()
    })
    .await;
    let began = Instant::now();
    client.query("SELECT count(*) FROM users", &[]).await.unwrap();
    assert!(began.elapsed() < Duration::from_secs(10), "traffic waited for {:?}", began.elapsed());
    let error = migrating.await.unwrap().unwrap_err();
    assert!(matches!(error, MigrateError::Unavailable(_)), "the caller tries again: {error}");
    assert!(error.to_string().contains("pg_stat_activity"), "{error}");
    report.batch_execute("ROLLBACK").await.unwrap();
    migrate(&url, partitions()).await.unwrap();
}
