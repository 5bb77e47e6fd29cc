//! Every role as a process of its own against given servers: together they are a portal; each drains at
//! SIGTERM, leaves nothing pending, and says what is wrong with its settings.

use crate::support::components::Roles;
use crate::support::history::shipped;
use crate::support::test_user::TestUser;
use crate::support::{eventually, own_address, portal, text};
use auction_local_servers::{LocalServerOptions, LocalServers};
use serde_json::json;
use std::process::{Command, Stdio};
use uuid::Uuid;

/// Set for all tests, over any file.
const PARTITIONS: &str = "AUCTION__PARTITIONS";

#[tokio::test]
async fn each_role_starts_by_itself_and_together_they_are_a_portal() {
    let dir = tempfile::tempdir().unwrap();
    let servers = LocalServers::start(LocalServerOptions::new(dir.path())).await.unwrap();
    // All at once on an empty database: each of them migrates, one after the other.
    let roles = Roles::start(&servers, 1);
    roles.ready().await;
    let history = shipped();
    let output =
        portal().args(["--url", &roles.url(), "replay", "--json"]).arg(&history.file).output().unwrap();
    history.check(&output);
    assert_eq!(roles.terminate(), vec![Some(0); 6], "every role drains and ends well");

    let client = redis::Client::open(servers.redis_url()).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    for partition in 0..8 {
        let stream = format!("ap:{{{partition:02}}}:cmd:bid");
        let consumers: Vec<redis::Value> = redis::cmd("XINFO")
            .arg("CONSUMERS")
            .arg(&stream)
            .arg("writer")
            .query_async(&mut connection)
            .await
            .unwrap();
        assert!(consumers.is_empty(), "a drained writer leaves the group of {stream}: {consumers:?}");
    }
    servers.stop().await.unwrap();
}

#[test]
fn settings_that_make_no_sense_are_refused_by_name_with_exit_code_2() {
    let refused = |name: &str, value: &str| {
        let output = Command::new(env!("CARGO_BIN_EXE_writer"))
            .env_remove("REDIS_URL")
            .env_remove("DATABASE_URL")
            .env(name, value)
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(2), "{}", text(&output));
        String::from_utf8(output.stderr).unwrap()
    };
    assert!(refused("AUCTION__WRITER__BATSH", "1").contains("batsh"));
    assert!(refused("AUCTION__WRITER__BATCH", "many").contains("writer.batch"));
    assert!(refused("DATABASE_URL", "postgresql://localhost/x").contains("REDIS_URL"));
    let output = portal()
        .arg("up")
        .env("REDIS_URL", "redis://127.0.0.1:1")
        .env_remove("DATABASE_URL")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output).contains("DATABASE_URL is not"), "{}", text(&output));
}

#[tokio::test]
async fn portal_up_uses_given_servers_and_believes_nobody_there() {
    let dir = tempfile::tempdir().unwrap();
    let servers = LocalServers::start(LocalServerOptions::new(dir.path().join("given"))).await.unwrap();
    let listen = own_address();
    let config = dir.path().join("settings.toml");
    let (redis_url, database_url) = (servers.redis_url(), servers.database_url());
    let urls = format!("redis_url = {redis_url:?}\ndatabase_url = {database_url:?}\npartitions = 3\n");
    std::fs::write(&config, urls).unwrap();
    let mut up = portal();
    up.args(["up", "--listen", &listen, "--config"])
        .arg(&config)
        .current_dir(dir.path())
        .stderr(Stdio::null());
    let mut up =
        up.env_remove("REDIS_URL").env_remove("DATABASE_URL").env_remove(PARTITIONS).spawn().unwrap();
    let mut person = TestUser::nobody(&format!("http://{listen}"));
    eventually("it is ready", || async {
        let ready = reqwest::get(format!("http://{listen}/readyz")).await;
        ready.is_ok_and(|answer| answer.status().is_success()).then_some(())
    })
    .await;
    person.post("/users", json!({}), &[("prefer", "wait=30")]).await.is_problem(401, "caller_unknown");
    person.id = Some(Uuid::new_v4().to_string());
    person.bid(&Uuid::new_v4().to_string(), 1).await.is_problem(401, "caller_not_trusted");
    let (nobody, operator) = (TestUser::nobody(&format!("http://{listen}")), [("x-user-role", "operator")]);
    let cancel = format!("/auction/{}/cancel", Uuid::new_v4());
    nobody.post(&cancel, json!({}), &operator).await.is_problem(401, "caller_not_trusted");
    let verified =
        portal().arg("verify").arg("--config").arg(&config).env_remove(PARTITIONS).output().unwrap();
    assert!(verified.status.success(), "{}", text(&verified));

    let other = dir.path().join("other.toml");
    std::fs::write(&other, std::fs::read_to_string(&config).unwrap().replace("= 3", "= 4")).unwrap();
    let mut refused = Command::new(env!("CARGO_BIN_EXE_writer"));
    let refused = refused.arg("--config").arg(&other).env_remove(PARTITIONS).output().unwrap();
    assert_eq!(refused.status.code(), Some(1));
    assert!(text(&refused).contains("set `partitions = 3`"), "{}", text(&refused));

    Command::new("kill").args(["-INT", &up.id().to_string()]).status().unwrap();
    assert_eq!(up.wait().unwrap().code(), Some(0));
    assert!(!dir.path().join("data").exists(), "no servers of its own were started");
    servers.stop().await.unwrap();
}
