//! A backend that can lose acknowledged writes is refused, at startup and when its settings change while
//! processes run, unless the operator has accepted the risk by name.

use crate::support::components::{RunningComponents, program};
use crate::support::test_user::TestUser;
use crate::support::{database, eventually, free_address, output_text};
use auction_local_servers::{LocalServerOptions, LocalServers};
use serde_json::json;
use std::fs::File;
use std::process::Command;

const COMPONENTS: [&str; 4] = ["writer", "projector", "auctioneer", "ingress"];

async fn servers(directory: &tempfile::TempDir) -> LocalServers {
    LocalServers::start(LocalServerOptions::new(directory.path())).await.unwrap()
}

/// Sends a command to Redis on a connection of its own.
async fn redis(servers: &LocalServers, command: &[&str]) {
    let client = redis::Client::open(servers.redis_url()).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    redis::cmd(command[0]).arg(&command[1..]).query_async::<redis::Value>(&mut connection).await.unwrap();
}

async fn sql(servers: &LocalServers, statements: &str) {
    database(servers.database_url()).await.batch_execute(statements).await.unwrap();
}

fn component_command(servers: &LocalServers, component: &str) -> Command {
    let mut command = Command::new(program(component));
    command.env("REDIS_URL", servers.redis_url()).env("DATABASE_URL", servers.database_url());
    command.env("AUCTION__INGRESS__LISTEN", free_address());
    command
}

#[tokio::test]
async fn unsafe_backend_is_refused_at_startup_with_the_fix() {
    let directory = tempfile::tempdir().unwrap();
    let mut options = LocalServerOptions::new(directory.path());
    options.postgres_settings = vec!["fsync=off".to_owned(), "full_page_writes=off".to_owned()];
    let servers = LocalServers::start(options).await.unwrap();
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
    let row = database(servers.database_url()).await.query_one(tables, &[]).await.unwrap();
    assert_eq!(row.get::<_, i64>(0), 0, "the database was not migrated");
    servers.stop().await.unwrap();
}

#[tokio::test]
async fn accepted_durability_risks_are_logged_and_others_refused() {
    let directory = tempfile::tempdir().unwrap();
    let servers = servers(&directory).await;
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
    let log = directory.path().join("log");
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
    assert_eq!(components.terminate(), vec![Some(0); 4]);
    Command::new("kill").args(["-TERM", &writer.id().to_string()]).status().unwrap();
    assert_eq!(writer.wait().unwrap().code(), Some(0));
    servers.stop().await.unwrap();
}

#[tokio::test]
async fn processes_end_when_redis_becomes_unsafe() {
    let directory = tempfile::tempdir().unwrap();
    let servers = servers(&directory).await;
    let mut components = RunningComponents::start(&servers, 1);
    components.wait_until_ready().await;
    redis(&servers, &["CONFIG", "SET", "appendfsync", "everysec"]).await;
    redis(&servers, &["CLIENT", "KILL", "TYPE", "normal"]).await;
    for component in COMPONENTS {
        assert_eq!(components.wait_for_exit(component).await, Some(1), "{component}");
    }
    servers.stop().await.unwrap();
}

#[tokio::test]
async fn processes_end_when_postgres_becomes_unsafe() {
    let directory = tempfile::tempdir().unwrap();
    let servers = servers(&directory).await;
    let mut components = RunningComponents::start(&servers, 1);
    components.wait_until_ready().await;
    let make_unsafe = "ALTER DATABASE auction SET synchronous_commit = off; \
                  SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                  WHERE datname = 'auction' AND pid <> pg_backend_pid()";
    sql(&servers, make_unsafe).await;
    for component in COMPONENTS {
        assert_eq!(components.wait_for_exit(component).await, Some(1), "{component}");
    }
    servers.stop().await.unwrap();
}
