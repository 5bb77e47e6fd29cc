//! A server that can lose what it acknowledged is not used: not at the start, and not when it was replaced
//! or set up anew under a process that runs. Unless an operator allows it by name.

use crate::support::components::{Roles, program};
use crate::support::test_user::TestUser;
use crate::support::{database, eventually, own_address, text};
use auction_local_servers::{LocalServerOptions, LocalServers};
use serde_json::json;
use std::fs::File;
use std::process::Command;

const ROLES: [&str; 4] = ["writer", "projector", "auctioneer", "ingress"];

async fn servers(directory: &tempfile::TempDir) -> LocalServers {
    LocalServers::start(LocalServerOptions::new(directory.path())).await.unwrap()
}

/// A command of Redis, on a connection that is closed after it.
async fn redis(servers: &LocalServers, command: &[&str]) {
    let client = redis::Client::open(servers.redis_url()).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    redis::cmd(command[0]).arg(&command[1..]).query_async::<redis::Value>(&mut connection).await.unwrap();
}

async fn sql(servers: &LocalServers, statements: &str) {
    database(servers.database_url()).await.batch_execute(statements).await.unwrap();
}

fn role(servers: &LocalServers, role: &str) -> Command {
    let mut command = Command::new(program(role));
    command.env("REDIS_URL", servers.redis_url()).env("DATABASE_URL", servers.database_url());
    command.env("AUCTION__INGRESS__LISTEN", own_address());
    command
}

#[tokio::test]
async fn a_weak_server_is_refused_at_the_start_with_the_lines_to_change() {
    let directory = tempfile::tempdir().unwrap();
    let mut options = LocalServerOptions::new(directory.path());
    options.postgres_settings = vec!["fsync=off".to_owned(), "full_page_writes=off".to_owned()];
    let servers = LocalServers::start(options).await.unwrap();
    redis(&servers, &["CONFIG", "SET", "appendfsync", "everysec"]).await;
    redis(&servers, &["CONFIG", "SET", "maxmemory-policy", "allkeys-lru"]).await;
    sql(&servers, "ALTER DATABASE auction SET synchronous_commit = off").await;
    for name in ROLES {
        let refused = role(&servers, name).output().unwrap();
        assert_eq!(refused.status.code(), Some(1), "{name}: {}", text(&refused));
        for line in [
            "in redis.conf `appendfsync always`",
            "`CONFIG SET maxmemory-policy noeviction`",
            "\"redis_appendfsync_everysec\" in `allow_weak_durability`",
            "`-c fsync=on`",
            "postgres: full_page_writes is off",
            "`ALTER DATABASE \"auction\" RESET synchronous_commit`",
        ] {
            assert!(text(&refused).contains(line), "{name}: {line} is not in {}", text(&refused));
        }
    }
    let tables = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'";
    let row = database(servers.database_url()).await.query_one(tables, &[]).await.unwrap();
    assert_eq!(row.get::<_, i64>(0), 0, "nothing was written to it");
    servers.stop().await.unwrap();
}

#[tokio::test]
async fn what_is_allowed_by_name_is_used_and_logged_and_nothing_else_is() {
    let directory = tempfile::tempdir().unwrap();
    let servers = servers(&directory).await;
    redis(&servers, &["CONFIG", "SET", "appendfsync", "everysec"]).await;
    sql(&servers, "ALTER DATABASE auction SET synchronous_commit = off").await;
    const ALLOW: &str = "AUCTION__ALLOW_WEAK_DURABILITY";
    let refused = role(&servers, "writer").env(ALLOW, "redis_appendfsync_everysec").output().unwrap();
    assert_eq!(refused.status.code(), Some(1), "{}", text(&refused));
    assert!(text(&refused).contains("synchronous_commit is off"), "{}", text(&refused));
    let unknown = role(&servers, "writer").env(ALLOW, "redis_appendfsync_everysec,fsync").output().unwrap();
    assert_eq!(unknown.status.code(), Some(2), "{}", text(&unknown));
    assert!(text(&unknown).contains("`fsync`") && text(&unknown).contains("postgres_fsync_off"));

    let allowed = "redis_appendfsync_everysec,postgres_synchronous_commit_off";
    let log = directory.path().join("log");
    let mut writer =
        role(&servers, "writer").env(ALLOW, allowed).stderr(File::create(&log).unwrap()).spawn().unwrap();
    eventually("it is logged", || async {
        let log = std::fs::read_to_string(&log).unwrap();
        allowed.split(',').all(|name| log.contains(name)).then_some(())
    })
    .await;
    let mut roles = Roles::none(&servers, &[(ALLOW, allowed)]);
    for role in ROLES {
        roles.add(role);
    }
    roles.ready().await;
    let (sue, ada) = (TestUser::new(&roles.url()).await, TestUser::new(&roles.url()).await);
    ada.bid(&sue.offer(json!({})).await, 10_000).await.is(201);
    assert_eq!(roles.terminate(), vec![Some(0); 4]);
    Command::new("kill").args(["-TERM", &writer.id().to_string()]).status().unwrap();
    assert_eq!(writer.wait().unwrap().code(), Some(0));
    servers.stop().await.unwrap();
}

#[tokio::test]
async fn a_redis_that_becomes_weak_ends_every_process_that_connects_again() {
    let directory = tempfile::tempdir().unwrap();
    let servers = servers(&directory).await;
    let mut roles = Roles::start(&servers, 1);
    roles.ready().await;
    redis(&servers, &["CONFIG", "SET", "appendfsync", "everysec"]).await;
    redis(&servers, &["CLIENT", "KILL", "TYPE", "normal"]).await;
    for role in ROLES {
        assert_eq!(roles.ended(role).await, Some(1), "{role}");
    }
    servers.stop().await.unwrap();
}

#[tokio::test]
async fn a_postgres_that_becomes_weak_ends_every_process_that_connects_again() {
    let directory = tempfile::tempdir().unwrap();
    let servers = servers(&directory).await;
    let mut roles = Roles::start(&servers, 1);
    roles.ready().await;
    let weaken = "ALTER DATABASE auction SET synchronous_commit = off; \
                  SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                  WHERE datname = 'auction' AND pid <> pg_backend_pid()";
    sql(&servers, weaken).await;
    for role in ROLES {
        assert_eq!(roles.ended(role).await, Some(1), "{role}");
    }
    servers.stop().await.unwrap();
}
