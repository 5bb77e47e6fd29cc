//! The load test from end to end: against a private portal all is right, and against one whose database changes an event
//! the judge finds it.
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

/// The program `portal` beside the load test, which is where the load test looks for it.
fn portal() -> PathBuf {
    let portal = Path::new(env!("CARGO_BIN_EXE_auction-loadtest")).with_file_name("portal");
    if !portal.exists() {
        let mut build = Command::new(env!("CARGO"));
        build.args(["build", "--locked", "-p", "portal", "--bin", "portal"]);
        assert!(build.status().unwrap().success(), "the portal cannot be built");
    }
    portal
}

fn told(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn read(json: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(json).unwrap()).unwrap()
}

#[test]
fn a_portal_of_its_own_is_loaded_and_found_right() {
    portal();
    let directory = tempfile::tempdir().unwrap();
    let (json, page) = (directory.path().join("load.json"), directory.path().join("load.html"));
    let output = load_test()
        .args(["run", "steady", "--self", "--seconds", "5", "--rate", "100", "--seed", "1"])
        .args(["--users", "20", "--auctions", "10", "--listeners", "10"])
        .arg("--json")
        .arg(&json)
        .arg("--report")
        .arg(&page)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    let report = read(&json);
    assert!(report["figures"]["requests"].as_u64().unwrap() > 350, "{report}");
    let checks = report["verdict"]["checks"].as_array().unwrap();
    assert!(checks.iter().all(|check| check["wrong"].as_array().unwrap().is_empty()), "{report}");
    let looked = checks.iter().filter(|check| check["looked_at"].as_u64().unwrap() > 0).count();
    assert!(looked >= 10, "most checks had something to look at: {report}");
    assert!(std::fs::read_to_string(page).unwrap().contains("\"scenario\":\"steady\""));
}

/// Few, so that each has enough events for one to be changed.
const PARTITIONS: u16 = 2;

/// A portal in one process, on servers of the test's.
struct Portal(Child);

impl Drop for Portal {
    fn drop(&mut self) {
        // It has ended already, or ends now.
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
        .env("AUCTION__LIMITS__ON", "false")
        .env("AUCTION__LOG__FILTER", "error")
        .stdout(Stdio::null())
        .spawn();
    let portal = Portal(started.unwrap());
    let began = Instant::now();
    while TcpStream::connect(listen).is_err() {
        assert!(began.elapsed() < Duration::from_secs(60), "nobody listens at {listen}");
        std::thread::sleep(Duration::from_millis(20)); // between two looks
    }
    portal
}

#[tokio::test]
async fn a_database_that_changes_an_event_is_found_out() {
    let directory = tempfile::tempdir().unwrap();
    let servers = LocalServers::start(LocalServerOptions::new(directory.path().join("data"))).await.unwrap();
    migrate(servers.database_url(), PartitionCount::new(PARTITIONS).unwrap()).await.unwrap();
    let (database, connection) = tokio_postgres::connect(servers.database_url(), NoTls).await.unwrap();
    tokio::spawn(connection);
    // A bid is stored as of a year later, when its auction is long over.
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
    assert_eq!(output.status.code(), Some(2), "{}", told(&output));
    let report = read(&json);
    let wrong = |name: &str| {
        let checks = report["verdict"]["checks"].as_array().unwrap();
        let check = checks.iter().find(|check| check["name"] == name).expect(name);
        !check["wrong"].as_array().unwrap().is_empty()
    };
    assert!(wrong("every auction went by the rules"), "{report}");
    assert!(!wrong("every accepted bid is in the events once, as it was placed"), "{report}");
    drop(portal);
    servers.stop().await.unwrap();
}

/// By HTTP alone, with a service key, on one auction with several pages of bids.
#[tokio::test]
async fn a_portal_of_which_no_more_is_known_than_its_address_is_judged_by_what_it_shows() {
    let directory = tempfile::tempdir().unwrap();
    let servers = LocalServers::start(LocalServerOptions::new(directory.path().join("data"))).await.unwrap();
    let listen = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let portal = start(&servers, &listen, false);
    let mut key = Command::new(self::portal());
    key.args(["service-keys", "create", "load", "--role", "seller", "--per-second", "100000"]);
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
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    let report = read(&json);
    let looked = |check: &Value| check["looked_at"].as_u64().unwrap();
    let checks = report["verdict"]["checks"].as_array().unwrap();
    assert!(checks.iter().map(looked).sum::<u64>() > 200, "several pages of bids: {report}");
    assert!(!report["verdict"]["not_checked"].as_array().unwrap().is_empty(), "{report}");
    let output = load("nonsense");
    assert_eq!(output.status.code(), Some(1), "{}", told(&output));
    drop(portal);
    servers.stop().await.unwrap();
}

#[test]
fn what_cannot_run_ends_with_one_and_says_why() {
    for (arguments, why) in [
        (&["run", "steady"][..], "which portal?"),
        (&["run", "nonsense", "--self"], "there is no scenario"),
        (&["run", "steady", "--self", "--mix", "bid"], "is not NAME=WEIGHT"),
        (&["run", "steady", "--self", "--rate", "0"], "must be a number above 0"),
        (&["run", "real", "--self", "--history", "/nowhere.csv"], "/nowhere.csv"),
        (&["run", "steady", "--url", "http://127.0.0.1:1"], "nobody answers"),
    ] {
        let output = load_test().args(arguments).env_remove("AUCTION_URL").output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {}", told(&output));
        assert!(told(&output).contains(why), "{arguments:?}: {}", told(&output));
    }
}
