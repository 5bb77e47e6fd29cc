//! Commands that cannot succeed end with a helpful error.

use crate::portal::{Faults, TestPortal};
use crate::{run_cli, shipped};

#[tokio::test(flavor = "multi_thread")]
async fn replay_without_a_portal_gives_up_and_prints_how_to_continue() {
    let portal = TestPortal::start(Faults::default()).await;
    portal.kill();
    let history = shipped("history.csv");
    let called = run_cli(&portal.url, &["replay", &history, "--json", "--idle-timeout", "2s"]).await.fails(1);
    assert_eq!(called.json()["unfinished"], 12);
    let run = called.json()["run"].as_str().unwrap().to_owned();
    for message in [
        "retrying for up to 2 s",
        "for 2 s, giving up: Connection refused",
        "start a portal with `portal up`",
        &format!("continue with: portal replay {history} --url {} --currency USD --run {run}", portal.url),
    ] {
        assert!(called.notes.contains(message), "{message:?} is not in\n{}", called.notes);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn replay_lists_unfinished_auctions_when_the_portal_dies() {
    let portal = TestPortal::start(Faults::default()).await;
    let history = shipped("history.csv");
    let dies = async {
        portal.wait_for_requests(90).await;
        portal.kill();
    };
    let args = ["replay", &history, "--json", "--idle-timeout", "1s", "--concurrency", "2"];
    let (called, ()) = tokio::join!(run_cli(&portal.url, &args), dies);
    let called = called.fails(1);
    let unfinished = called.json()["unfinished"].as_u64().unwrap();
    assert!(unfinished > 0);
    let named = called.notes.lines().filter(|line| line.contains(" is unfinished, ")).count();
    assert_eq!(named as u64, unfinished, "{}", called.notes);
}

#[tokio::test(flavor = "multi_thread")]
async fn replay_gives_up_when_nothing_is_decided() {
    let portal = TestPortal::start(Faults::default()).await;
    portal.backends.stop_auctioneer();
    let history = shipped("history.csv");
    let args = ["replay", &history, "--json", "--idle-timeout", "1s"];
    let called = run_cli(&portal.url, &args).await.fails(1);
    assert_eq!(called.json()["accepted"], 112);
    assert!(called.notes.contains("its result is not declared"), "{}", called.notes);

    portal.backends.stop_writer();
    let called = run_cli(&portal.url, &args).await.fails(1);
    assert!(called.notes.contains("is accepted, but was not decided within 1 s"), "{}", called.notes);
}

#[tokio::test]
async fn invalid_arguments_fail_before_any_request() {
    let message = async |url: &str, args: &[&str]| run_cli(url, args).await.fails(2).notes;
    let https = message("https://auctions.example", &["auction", "list"]).await;
    assert!(https.contains("does not support; use a gateway"), "{https}");
    for url in ["ftp://x", "127.0.0.1:8080", "", "http://x/?a=b"] {
        let notes = message(url, &["auction", "list"]).await;
        assert!(notes.contains("is not a valid portal URL"), "{notes}");
    }
    let local = "http://127.0.0.1:9";
    let notes = message(local, &["replay", "/nowhere.csv"]).await;
    assert!(notes.contains("the history /nowhere.csv cannot be read"), "{notes}");
    let notes = message(local, &["replay", &shipped("history.csv"), "--currency", "usd"]).await;
    assert!(notes.contains("\"usd\" is not a currency"), "{notes}");
    let old = "01890a5d-ac96-774b-bcce-b302099a8057";
    let notes = message(local, &["replay", &shipped("history.csv"), "--run", old]).await;
    assert!(notes.contains("too old to be continued"), "{notes}");
}

#[tokio::test(flavor = "multi_thread")]
async fn server_that_is_not_a_portal_is_detected() {
    let portal = TestPortal::start(Faults::default()).await;
    let called = run_cli(&format!("{}/elsewhere", portal.url), &["user", "create"]).await.fails(1);
    assert!(called.notes.contains("unknown_route"), "{}", called.notes);
}
