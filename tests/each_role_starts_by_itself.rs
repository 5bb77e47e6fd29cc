//! Every role as a process of its own against given servers: together they are a portal; each drains at
//! SIGTERM, leaves nothing pending, and says what is wrong with its settings.

mod support;

use auction_servers::{Options, PrivateServers};
use std::process::{Child, Command, Stdio};
use support::history::shipped;
use support::{eventually, free_address, portal, text};

struct Roles(Vec<Child>);

impl Roles {
    fn start(servers: &PrivateServers, listen: &str) -> Roles {
        let roles = [
            env!("CARGO_BIN_EXE_writer"),
            env!("CARGO_BIN_EXE_projector"),
            env!("CARGO_BIN_EXE_auctioneer"),
            env!("CARGO_BIN_EXE_ingress"),
        ];
        Roles(
            roles
                .iter()
                .map(|role| {
                    Command::new(role)
                        .env("REDIS_URL", servers.redis_url())
                        .env("DATABASE_URL", servers.database_url())
                        .env("AUCTION__INGRESS__LISTEN", listen)
                        .env("AUCTION__INGRESS__TRUST_GATEWAY_USER_HEADER", "true")
                        .stderr(Stdio::null())
                        .spawn()
                        .unwrap()
                })
                .collect(),
        )
    }

    /// SIGTERM to all; returns their exit codes.
    fn terminate(mut self) -> Vec<Option<i32>> {
        for child in &self.0 {
            Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
        }
        self.0.drain(..).map(|mut child| child.wait().unwrap().code()).collect()
    }
}

impl Drop for Roles {
    fn drop(&mut self) {
        for child in &mut self.0 {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

#[tokio::test]
async fn each_role_starts_by_itself_and_together_they_are_a_portal() {
    let dir = tempfile::tempdir().unwrap();
    let servers = PrivateServers::start(Options::new(dir.path())).await.unwrap();
    let listen = free_address();
    // All at once on an empty database: each of them migrates, one after the other.
    let roles = Roles::start(&servers, &listen);
    let url = format!("http://{listen}");
    eventually("the ingress is ready", || async {
        reqwest::get(format!("{url}/readyz"))
            .await
            .is_ok_and(|answer| answer.status().is_success())
            .then_some(())
    })
    .await;
    let history = shipped();
    let output = portal().args(["--url", &url, "replay", "--json"]).arg(&history.file).output().unwrap();
    history.check(&output);
    assert_eq!(roles.terminate(), vec![Some(0); 4], "every role drains and ends well");

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
