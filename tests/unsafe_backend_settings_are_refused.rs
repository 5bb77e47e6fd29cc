//! A backend that can lose acknowledged writes is refused, at startup and when its settings change while
//! processes run, unless the operator has accepted the risk by name.

use crate::support::components::{RunningComponents, program};
use crate::support::servers::TestServers;
use crate::support::test_user::TestUser;
use crate::support::{eventually, free_address, output_text};
use serde_json::json;
use std::fs::File;
use std::process::Command;

const COMPONENTS: [&str; 4] = ["writer", "projector", "auctioneer", "ingress"];

/// Sends a command to Redis on a connection of its own.
async fn redis(servers: &TestServers, command: &[&str]) {
    let mut send = redis::cmd(command[0]);
    send.arg(&command[1..]).query_async::<redis::Value>(&mut servers.redis().await).await.unwrap();
}

async fn sql(servers: &TestServers, statements: &str) {
    servers.database().await.batch_execute(statements).await.unwrap();
}

fn component_command(servers: &TestServers, component: &str) -> Command {
    let mut command = Command::new(program(component));
    command.env("REDIS_URL", servers.redis_url()).env("DATABASE_URL", servers.database_url());
    command.env("AUCTION__INGRESS__LISTEN", free_address());
    command
}

#[tokio::test]
async fn unsafe_backend_is_refused_at_startup_with_the_fix() {
    let servers = TestServers::with_postgres_settings(&["fsync=off", "full_page_writes=off"]).await;
    redis(&servers, &["CONFIG", "SET", "appendfsync", "everysec"]).await;
    redis(&servers, &["CONFIG", "SET", "maxmemory-policy", "allkeys-lru"]).await;
    sql(&servers, "ALTER DATABASE auction SET synchronous_commit = off").await;
    for name in COMPONENTS {
        let refused = component_command(&servers, name).output().unwrap();
        assert_eq!(refused.status.code(), Some(1), "{name}: {}", output_text(&refused));
        for line in [
            "in redis.conf `appendfsync always`",
            "`CONFIG SET maxmemory-policy noeviction`",
            "\"redis_appendfsync_everysec\" in `allow_weak_durability`",
            "`-c fsync=on`",
            "postgres: full_page_writes is off",
            "`ALTER DATABASE \"auction\" RESET synchronous_commit`",
        ] {
            assert!(
                output_text(&refused).contains(line),
                "{name}: {line} is not in {}",
                output_text(&refused)
            );
        }
    }
    let tables = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'";
    let row = servers.database().await.query_one(tables, &[]).await.unwrap();
    assert_eq!(row.get::<_, i64>(0), 0, "the database was not migrated");
}

#[tokio::test]
async fn accepted_durability_risks_are_logged_and_others_refused() {
    let servers = TestServers::start().await;
    redis(&servers, &["CONFIG", "SET", "appendfsync", "everysec"]).await;
    sql(&servers, "ALTER DATABASE auction SET synchronous_commit = off").await;
    const ALLOW: &str = "AUCTION__ALLOW_WEAK_DURABILITY";
    let refused =
        component_command(&servers, "writer").env(ALLOW, "redis_appendfsync_everysec").output().unwrap();
    assert_eq!(refused.status.code(), Some(1), "{}", output_text(&refused));
    assert!(output_text(&refused).contains("synchronous_commit is off"), "{}", output_text(&refused));
    let unknown = component_command(&servers, "writer")
        .env(ALLOW, "redis_appendfsync_everysec,fsync")
        .output()
        .unwrap();
    assert_eq!(unknown.status.code(), Some(2), "{}", output_text(&unknown));
    assert!(
        output_text(&unknown).contains("`fsync`") && output_text(&unknown).contains("postgres_fsync_off")
    );

    let allowed = "redis_appendfsync_everysec,postgres_synchronous_commit_off";
    let log = servers.directory().join("log");
    let mut writer = component_command(&servers, "writer")
        .env(ALLOW, allowed)
        .stderr(File::create(&log).unwrap())
        .spawn()
        .unwrap();
    eventually("the accepted risks are logged", || async {
        let log = std::fs::read_to_string(&log).unwrap();
        allowed.split(',').all(|name| log.contains(name)).then_some(())
    })
    .await;
    let mut components = RunningComponents::new(&servers, &[(ALLOW, allowed)]);
    components.add_all(COMPONENTS);
    components.wait_until_ready().await;
    let (sue, ada) = (TestUser::new(&components.url()).await, TestUser::new(&components.url()).await);
    ada.bid(&sue.create_auction(json!({})).await, 10_000).await.assert_status(201);
    components.terminate();
    Command::new("kill").args(["-TERM", &writer.id().to_string()]).status().unwrap();
    assert_eq!(writer.wait().unwrap().code(), Some(0));
}

#[tokio::test]
async fn processes_end_when_a_backend_becomes_unsafe() {
    let servers = TestServers::start().await;
    let make_postgres_unsafe = "ALTER DATABASE auction SET synchronous_commit = off; \
                  SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                  WHERE datname = 'auction' AND pid <> pg_backend_pid()";
    let mut components = RunningComponents::start(&servers, 1).await;
    redis(&servers, &["CONFIG", "SET", "appendfsync", "everysec"]).await;
    redis(&servers, &["CLIENT", "KILL", "TYPE", "normal"]).await;
    assert_all_end(&mut components).await;
    redis(&servers, &["CONFIG", "SET", "appendfsync", "always"]).await;
    let mut components = RunningComponents::start(&servers, 1).await;
    sql(&servers, make_postgres_unsafe).await;
    assert_all_end(&mut components).await;
}

async fn assert_all_end(components: &mut RunningComponents) {
    for component in COMPONENTS {
        assert_eq!(components.wait_for_exit(component).await, Some(1), "{component}");
    }
}
