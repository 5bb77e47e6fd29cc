//! A roll-out: processes restart after a newer version has migrated the database, and commands of a kind that no
//! writer knows yet wait for a newer writer.

use crate::support::components::RunningComponents;
use crate::support::servers::TestServers;
use crate::support::test_user::TestUser;
use crate::support::{eventually, free_address};
use serde_json::json;
use std::path::Path;
use std::time::{Duration, Instant};
use uuid::Uuid;

/// Applies a migration of a newer version, with the oldest program that can use the database after it.
async fn apply_newer_migration(servers: &TestServers, version: i32, oldest_program: &str) {
    let apply = format!(
        "INSERT INTO refinery_schema_history SELECT {version}, 'an_index_more', applied_on, checksum
             FROM refinery_schema_history ORDER BY version DESC LIMIT 1;
         INSERT INTO migration_compatibility (version, oldest_program) SELECT {version}, {oldest_program}"
    );
    servers.run_sql(&apply).await;
}

/// Runs the SQL blocks of the page about upgrades.
async fn assert_documented_queries_answer(servers: &TestServers) {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/how-to/upgrade.md");
    let page = std::fs::read_to_string(page).unwrap();
    let blocks: Vec<&str> =
        page.split("```sql\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    assert_eq!(blocks.len(), 2, "{page}");
    let database = servers.database().await;
    for block in &blocks {
        database.simple_query(block).await.unwrap();
    }
    let newest = format!("{:?}", database.simple_query(blocks[1]).await.unwrap());
    assert!(newest.contains("9000") && newest.contains("an_index_more"), "{newest}");
}

#[tokio::test]
async fn processes_restart_after_a_compatible_newer_migration() {
    let servers = TestServers::start().await;
    let mut components = RunningComponents::start(&servers, 1).await;
    let (sue, ada) = (TestUser::new(&components.url()).await, TestUser::new(&components.url()).await);
    let auction = sue.create_auction(json!({})).await;
    apply_newer_migration(&servers, 9000, "min(version) FROM migration_compatibility").await;
    ada.bid(&auction, 10_000).await.assert_status(201);
    for component in ["writer", "projector", "auctioneer", "notifier", "promoter", "ingress"] {
        let pid = components.pids(component)[0];
        assert_eq!(components.stop_process(pid, "-TERM"), Some(0));
        components.add(component);
        components.wait_until_ready().await;
        ada.bid(&auction, 20_000 + 100 * u64::from(pid)).await.assert_status(201);
    }
    servers.verify();
    let log = components.logs("writer");
    assert!(
        log.contains("a newer program migrated the database, and its migrations are compatible"),
        "{log}"
    );
    assert_documented_queries_answer(&servers).await;

    // A migration that needs newer programs stops the restart, and the error says what to do.
    apply_newer_migration(&servers, 9001, "9001").await;
    components.add("writer");
    let pid = components.pids("writer")[0];
    assert_eq!(components.stop_process(pid, "-TERM"), Some(0), "the running writer");
    assert_eq!(components.wait_for_exit("writer").await, Some(1));
    let log = components.logs("writer");
    for part in ["V9001 (an_index_more)", "needs programs with the migration V9001", "start a newer program"]
    {
        assert!(log.contains(part), "{part:?} is not in {log}");
    }
}

/// Adds a command of a kind that no writer knows to the stream of the bids of an auction.
async fn add_unknown_command(servers: &TestServers, auction: &str) {
    let partition = Uuid::parse_str(auction).unwrap().as_u64_pair().1 % 8;
    let (stream, id) = (format!("ap:{{{partition:02}}}:cmd:bid"), Uuid::new_v4().to_string());
    let mut raffle = vec!["XADD", &stream, "*", "id", &id, "kind", "raffle", "v", "1", "key", auction];
    raffle.extend(["actor", "portal", "fp", "0", "reply", "", "trace", "", "body", ""]);
    servers.run_redis(&raffle).await;
}

#[tokio::test]
async fn unknown_command_stops_only_its_partition_until_the_wait_ends() {
    const WAIT: Duration = Duration::from_secs(12);
    let servers = TestServers::start().await;
    let wait = WAIT.as_secs().to_string();
    let settings = [
        ("AUCTION__WRITER__UNKNOWN_KIND_WAIT_SECONDS", wait.as_str()),
        ("AUCTION__WRITER__LEASE_SECONDS", "2"),
    ];
    let mut components = RunningComponents::new(&servers, &settings);
    components.add_all(["writer", "projector", "ingress"]);
    let admin = free_address();
    components.add_with_settings("writer", &[("AUCTION__ADMIN_LISTEN", &admin)]);
    components.wait_until_ready().await;
    let (sue, ada) = (TestUser::new(&components.url()).await, TestUser::new(&components.url()).await);
    let partition = |auction: &str| Uuid::parse_str(auction).unwrap().as_u64_pair().1 % 8;
    let one = sue.create_auction(json!({})).await;
    let mut other = sue.create_auction(json!({})).await;
    while partition(&other) == partition(&one) {
        other = sue.create_auction(json!({})).await;
    }
    let began = Instant::now();
    add_unknown_command(&servers, &one).await;
    let path = format!("/auction/{one}/bid");
    let bid = ada.put(&path, json!({"amount": 10_000}), &[("prefer", "wait=0")]).await;
    let handle = bid.assert_status(202).header("location").to_owned();
    let lease = format!("ap:{{{:02}}}:lease:writer", partition(&one));
    eventually("no writer holds the partition", || async {
        (servers.run_redis(&["EXISTS", &lease]).await == redis::Value::Int(0)).then_some(())
    })
    .await;
    ada.bid(&other, 10_000).await.assert_status(201);
    eventually("the writers report the partition", || async {
        let ready = reqwest::get(format!("http://{admin}/readyz")).await.ok()?.text().await.ok()?;
        ready.contains("partitions without an owner").then_some(())
    })
    .await;
    assert_eq!(ada.get(&handle, &[]).await.body["status"], "pending", "no later command overtakes");
    assert!(began.elapsed() < WAIT, "the test is too slow: {:?}", began.elapsed());
    eventually("the bid is decided", || async {
        (ada.get(&handle, &[]).await.body["status"] == "done").then_some(())
    })
    .await;
    assert!(began.elapsed() >= WAIT, "{:?}", began.elapsed());
    assert!(components.logs("writer").contains("handing the partition over"));
    let dead = servers.portal(&["dead-letters", "list"]).output().unwrap();
    assert!(String::from_utf8_lossy(&dead.stdout).contains("raffle"));
    servers.verify();
    components.terminate();
}
