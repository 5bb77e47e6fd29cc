//! A server goes away and comes back, loses all it had, or two processes do the work of one: nobody has
//! to do anything, and everything is as if nothing had been.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a test fails by panicking"
)]

mod support;

use auction_servers::{Options, PrivateServers};
use std::process::{Child, Stdio};
use support::history::shipped;
use support::roles::Roles;
use support::{database, eventually, portal};

async fn servers(directory: &tempfile::TempDir) -> PrivateServers {
    PrivateServers::start(Options::new(directory.path())).await.unwrap()
}

fn start_replay(roles: &Roles) -> Child {
    let mut replay = portal();
    replay.args(["--url", &roles.url(), "replay", "--json", "--parallel", "2"]).arg(shipped().file);
    replay.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

async fn finish(replay: Child) {
    let output = tokio::task::spawn_blocking(|| replay.wait_with_output().unwrap()).await.unwrap();
    shipped().check(&output);
}

/// Waits until there are so many events.
async fn events(servers: &PrivateServers, at_least: i64) {
    let database = database(servers.database_url()).await;
    eventually("the replay goes on", || async {
        let row = database.query_one("SELECT sum(head)::bigint FROM partitions", &[]).await.unwrap();
        (row.get::<_, i64>(0) >= at_least).then_some(())
    })
    .await;
}

#[tokio::test]
async fn redis_and_postgres_killed_in_the_middle_cost_nothing_but_time() {
    let directory = tempfile::tempdir().unwrap();
    let mut servers = servers(&directory).await;
    let roles = Roles::start(&servers, 1);
    roles.ready().await;
    let replay = start_replay(&roles);
    events(&servers, 60).await;
    servers.kill_redis().await;
    servers.start_redis().await.unwrap();
    events(&servers, 110).await;
    servers.kill_postgres().await;
    servers.start_postgres().await.unwrap();
    finish(replay).await;
    roles.verify(&servers);
    assert_eq!(roles.terminate(), vec![Some(0); 4]);
    servers.stop().await.unwrap();
}

#[tokio::test]
async fn a_redis_that_lost_everything_is_filled_from_postgres() {
    let directory = tempfile::tempdir().unwrap();
    let servers = servers(&directory).await;
    let roles = Roles::start(&servers, 1);
    roles.ready().await;
    finish(start_replay(&roles)).await;
    let client = redis::Client::open(servers.redis_url()).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let _: () = redis::cmd("FLUSHALL").query_async(&mut connection).await.unwrap();
    eventually("the streams are back", || async {
        let mut verify = portal();
        verify
            .arg("verify")
            .env("REDIS_URL", servers.redis_url())
            .env("DATABASE_URL", servers.database_url());
        verify.output().unwrap().status.success().then_some(())
    })
    .await;
    finish(start_replay(&roles)).await;
    roles.verify(&servers);
    servers.stop().await.unwrap();
}

#[tokio::test]
async fn two_of_each_role_at_once_do_no_harm() {
    let directory = tempfile::tempdir().unwrap();
    let servers = servers(&directory).await;
    let roles = Roles::start(&servers, 2);
    roles.ready().await;
    finish(start_replay(&roles)).await;
    roles.verify(&servers);
    assert_eq!(roles.terminate(), vec![Some(0); 7]);
    servers.stop().await.unwrap();
}
