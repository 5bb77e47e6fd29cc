//! The load test from end to end: a private portal passes all checks, and a database that changes events is
//! detected.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use auction_local_servers::{LocalServerOptions, LocalServers};
use auction_postgres::migrate::migrate;
use auction_wire::PartitionCount;
use serde_json::Value;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};
use tokio_postgres::NoTls;

fn load_test() -> Command {
    Command::new(env!("CARGO_BIN_EXE_auction-loadtest"))
}

/// Path of the program `portal` in the directory of the load test, which looks for it there. Builds it if
/// necessary.
fn portal() -> PathBuf {
    let portal = Path::new(env!("CARGO_BIN_EXE_auction-loadtest")).with_file_name("portal");
    if !portal.exists() {
        let mut build = Command::new(env!("CARGO"));
        build.args(["build", "--locked", "-p", "portal", "--bin", "portal"]);
        assert!(build.status().unwrap().success(), "the portal cannot be built");
    }
    portal
}

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn read(json: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(json).unwrap()).unwrap()
}

#[test]
fn private_portal_passes_all_checks() {
    portal();
    let directory = tempfile::tempdir().unwrap();
    let (json, page) = (directory.path().join("load.json"), directory.path().join("load.html"));
    let output = load_test()
        .args(["run", "steady", "--local", "--seconds", "5", "--rate", "100", "--seed", "1"])
        .args(["--users", "20", "--auctions", "10", "--listeners", "10"])
        .arg("--json")
        .arg(&json)
        .arg("--report")
        .arg(&page)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    let report = read(&json);
    assert!(report["figures"]["requests"].as_u64().unwrap() > 350, "{report}");
    let checks = report["check_report"]["checks"].as_array().unwrap();
    assert!(checks.iter().all(|check| check["failures"].as_array().unwrap().is_empty()), "{report}");
    let used = checks.iter().filter(|check| check["checked"].as_u64().unwrap() > 0).count();
    assert!(used >= 10, "most checks have items to check: {report}");
    assert!(std::fs::read_to_string(page).unwrap().contains("\"scenario\":\"steady\""));
}

/// Few partitions, so that each has enough events for one to be changed.
const PARTITIONS: u16 = 2;

/// A portal in one process, on the servers of the test.
struct Portal(Child);

impl Drop for Portal {
    fn drop(&mut self) {
        // The process may have exited already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn start(servers: &LocalServers, listen: &str, trusts: bool) -> Portal {
    let started = Command::new(portal())
        .arg("up")
        .env("REDIS_URL", servers.redis_url())
        .env("DATABASE_URL", servers.database_url())
        .env("AUCTION__PARTITIONS", PARTITIONS.to_string())
        .env("AUCTION__INGRESS__LISTEN", listen)
        .env("AUCTION__INGRESS__TRUST_GATEWAY_USER_HEADER", trusts.to_string())
        .env("AUCTION__RATE_LIMITS__ENABLED", "false")
        .env("AUCTION__LOG__FILTER", "error")
        .stdout(Stdio::null())
        .spawn();
    let portal = Portal(started.unwrap());
    let began = Instant::now();
    while TcpStream::connect(listen).is_err() {
        assert!(began.elapsed() < Duration::from_secs(60), "no process listens at {listen}");
        std::thread::sleep(Duration::from_millis(20)); // poll interval
    }
    portal
}

#[tokio::test]
async fn changed_events_are_detected() {
    let directory = tempfile::tempdir().unwrap();
    let servers = LocalServers::start(LocalServerOptions::new(directory.path().join("data"))).await.unwrap();
    migrate(servers.database_url(), PartitionCount::new(PARTITIONS).unwrap()).await.unwrap();
    let (database, connection) = tokio_postgres::connect(servers.database_url(), NoTls).await.unwrap();
    tokio::spawn(connection);
    // Stores some bids with a time one year later, long after the end of their auctions.
    let change = "CREATE FUNCTION change() RETURNS trigger LANGUAGE plpgsql AS $$
                  BEGIN NEW.at := NEW.at + 31536000000; RETURN NEW; END $$;
                  CREATE TRIGGER change BEFORE INSERT ON events FOR EACH ROW
                  WHEN (NEW.kind = 'bid_placed' AND NEW.position % 25 = 0) EXECUTE FUNCTION change();";
    database.batch_execute(change).await.unwrap();
    let listen = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let portal = start(&servers, &listen, true);
    let json = directory.path().join("load.json");
    let output = load_test()
        .args(["run", "steady", "--seconds", "5", "--rate", "100", "--seed", "1", "--users", "20"])
        .args(["--auctions", "10", "--url", &format!("http://{listen}")])
        .args(["--redis-url", servers.redis_url(), "--database-url", servers.database_url(), "--json"])
        .arg(&json)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", text(&output));
    let report = read(&json);
    let has_failed = |name: &str| {
        let checks = report["check_report"]["checks"].as_array().unwrap();
        let check = checks.iter().find(|check| check["name"] == name).expect(name);
        !check["failures"].as_array().unwrap().is_empty()
    };
    assert!(has_failed("every auction event follows the rules"), "{report}");
    assert!(!has_failed("every accepted bid is stored once and unchanged"), "{report}");
    drop(portal);
    servers.stop().await.unwrap();
}

/// Uses HTTP only, with an API key, on one auction with several pages of bids.
#[tokio::test]
async fn portal_is_checked_by_http_without_its_backends() {
    let directory = tempfile::tempdir().unwrap();
    let servers = LocalServers::start(LocalServerOptions::new(directory.path().join("data"))).await.unwrap();
    let listen = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let portal = start(&servers, &listen, false);
    let mut key = Command::new(self::portal());
    key.args(["api-keys", "create", "load", "--role", "seller", "--per-second", "100000"]);
    key.env("REDIS_URL", servers.redis_url()).env("DATABASE_URL", servers.database_url());
    let key = key.output().unwrap();
    let json = directory.path().join("load.json");
    let load = |key: &str| {
        load_test()
            .args(["run", "hot-auction", "--seconds", "5", "--rate", "100", "--seed", "1", "--users", "20"])
            .args(["--url", &format!("http://{listen}"), "--token", key, "--json"])
            .arg(&json)
            .output()
            .unwrap()
    };
    let output = load(String::from_utf8(key.stdout).unwrap().trim());
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    let report = read(&json);
    let checked = |check: &Value| check["checked"].as_u64().unwrap();
    let checks = report["check_report"]["checks"].as_array().unwrap();
    assert!(checks.iter().map(checked).sum::<u64>() > 200, "several pages of bids: {report}");
    assert!(!report["check_report"]["not_checked"].as_array().unwrap().is_empty(), "{report}");
    let output = load("nonsense");
    assert_eq!(output.status.code(), Some(1), "{}", text(&output));
    drop(portal);
    servers.stop().await.unwrap();
}

#[test]
fn invalid_runs_exit_with_one_and_name_the_reason() {
    for (arguments, reason) in [
        (&["run", "steady"][..], "no portal given"),
        (&["run", "nonsense", "--local"], "unknown scenario"),
        (&["run", "steady", "--local", "--mix", "bid"], "is not NAME=WEIGHT"),
        (&["run", "steady", "--local", "--rate", "0"], "must be a number above 0"),
        (&["run", "real", "--local", "--history", "/nowhere.csv"], "/nowhere.csv"),
        (&["run", "steady", "--url", "http://127.0.0.1:1"], "cannot connect"),
    ] {
        let output = load_test().args(arguments).env_remove("AUCTION_URL").output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {}", text(&output));
        assert!(text(&output).contains(reason), "{arguments:?}: {}", text(&output));
    }
}
