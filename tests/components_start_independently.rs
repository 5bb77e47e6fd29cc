//! Each component runs as its own process on given backends. Together they form a portal; each drains at
//! SIGTERM, leaves nothing pending, and names invalid settings.

use crate::support::components::RunningComponents;
use crate::support::history::bundled_history;
use crate::support::servers::TestServers;
use crate::support::test_user::TestUser;
use crate::support::{free_address, output_text, portal, wait_until_ready};
use serde_json::json;
use std::process::{Command, Stdio};
use uuid::Uuid;

/// Setting that the test environment sets, which overrides any file.
const PARTITIONS: &str = "AUCTION__PARTITIONS";

#[tokio::test]
async fn components_start_independently_and_form_a_portal() {
    let servers = TestServers::start().await;
    // All start at the same time on an empty database; each migrates it, one after the other.
    let components = RunningComponents::start(&servers, 1).await;
    let history = bundled_history();
    let output =
        portal().args(["--url", &components.url(), "replay", "--json"]).arg(&history.file).output().unwrap();
    history.assert_summary(&output);
    components.terminate();

    let mut connection = servers.redis().await;
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
}

#[test]
fn invalid_settings_are_named_with_exit_code_2() {
    let refused = |name: &str, value: &str| {
        let output = Command::new(env!("CARGO_BIN_EXE_writer"))
            .env_remove("REDIS_URL")
            .env_remove("DATABASE_URL")
            .env(name, value)
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(2), "{}", output_text(&output));
        String::from_utf8(output.stderr).unwrap()
    };
    assert!(refused("AUCTION__WRITER__BATSH", "1").contains("batsh"));
    assert!(refused("AUCTION__WRITER__MAX_BATCH", "many").contains("writer.max_batch"));
    assert!(refused("DATABASE_URL", "postgresql://localhost/x").contains("REDIS_URL"));
    let output = portal()
        .arg("up")
        .env("REDIS_URL", "redis://127.0.0.1:1")
        .env_remove("DATABASE_URL")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(output_text(&output).contains("DATABASE_URL is not"), "{}", output_text(&output));
}

#[tokio::test]
async fn portal_up_trusts_no_user_header_on_given_backends() {
    let servers = TestServers::start().await;
    let dir = servers.directory().join("portal");
    std::fs::create_dir(&dir).unwrap();
    let listen = free_address();
    let config = dir.join("settings.toml");
    let (redis_url, database_url) = (servers.redis_url(), servers.database_url());
    let urls = format!("redis_url = {redis_url:?}\ndatabase_url = {database_url:?}\npartitions = 3\n");
    std::fs::write(&config, urls).unwrap();
    let mut up = portal();
    up.args(["up", "--listen", &listen, "--config"]).arg(&config).current_dir(&dir).stderr(Stdio::null());
    let mut up =
        up.env_remove("REDIS_URL").env_remove("DATABASE_URL").env_remove(PARTITIONS).spawn().unwrap();
    let mut user = TestUser::anonymous(&format!("http://{listen}"));
    wait_until_ready(&format!("http://{listen}")).await;
    user.post("/users", json!({}), &[("prefer", "wait=30")])
        .await
        .assert_problem(401, "authentication_required");
    user.id = Some(Uuid::new_v4().to_string());
    user.bid(&Uuid::new_v4().to_string(), 1).await.assert_problem(401, "untrusted_identity_header");
    let (anonymous, operator) =
        (TestUser::anonymous(&format!("http://{listen}")), [("x-user-role", "operator")]);
    let cancel = format!("/auction/{}/cancel", Uuid::new_v4());
    anonymous.post(&cancel, json!({}), &operator).await.assert_problem(401, "untrusted_identity_header");
    let verified =
        portal().arg("verify").arg("--config").arg(&config).env_remove(PARTITIONS).output().unwrap();
    assert!(verified.status.success(), "{}", output_text(&verified));

    let other = dir.join("other.toml");
    std::fs::write(&other, std::fs::read_to_string(&config).unwrap().replace("= 3", "= 4")).unwrap();
    let mut refused = Command::new(env!("CARGO_BIN_EXE_writer"));
    let refused = refused.arg("--config").arg(&other).env_remove(PARTITIONS).output().unwrap();
    assert_eq!(refused.status.code(), Some(1));
    assert!(output_text(&refused).contains("set `partitions = 3`"), "{}", output_text(&refused));

    Command::new("kill").args(["-INT", &up.id().to_string()]).status().unwrap();
    assert_eq!(up.wait().unwrap().code(), Some(0));
    assert!(!dir.join("data").exists(), "no local backends were started");
}
