//! What cannot be done ends, says what is missing, and how to go on.

use crate::fake::{Fake, Faults};
use crate::{call, shipped};

#[tokio::test(flavor = "multi_thread")]
async fn a_replay_without_a_portal_gives_up_and_says_how_to_continue() {
    let fake = Fake::start(Faults::default()).await;
    fake.kill();
    let history = shipped("history.csv");
    let called = call(&fake.url, &["replay", &history, "--json", "--give-up-after", "2s"]).await.fails(1);
    assert_eq!(called.json()["unfinished"], 12);
    let run = called.json()["run"].as_str().unwrap().to_owned();
    for said in [
        "trying again for up to 2 s",
        "after 2 s without success: Connection refused",
        "`portal up` starts one",
        &format!("continue with: portal replay {history} --url {} --currency USD --run {run}", fake.url),
    ] {
        assert!(called.notes.contains(said), "{said:?} is not in\n{}", called.notes);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_portal_that_dies_in_the_middle_leaves_auctions_that_are_named() {
    let fake = Fake::start(Faults::default()).await;
    let history = shipped("history.csv");
    let dies = async {
        fake.has_seen(90).await;
        fake.kill();
    };
    let args = ["replay", &history, "--json", "--give-up-after", "1s", "--parallel", "2"];
    let (called, ()) = tokio::join!(call(&fake.url, &args), dies);
    let called = called.fails(1);
    let unfinished = called.json()["unfinished"].as_u64().unwrap();
    assert!(unfinished > 0);
    let named = called.notes.lines().filter(|line| line.contains(" is unfinished, ")).count();
    assert_eq!(named as u64, unfinished, "{}", called.notes);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_portal_that_answers_and_decides_nothing_is_given_up_too() {
    let fake = Fake::start(Faults::default()).await;
    fake.portal().never_closes = true;
    let history = shipped("history.csv");
    let args = ["replay", &history, "--json", "--give-up-after", "1s"];
    let called = call(&fake.url, &args).await.fails(1);
    assert_eq!(called.json()["accepted"], 112);
    assert!(called.notes.contains("its result is not declared"), "{}", called.notes);

    fake.portal().never_decides = true;
    let called = call(&fake.url, &args).await.fails(1);
    assert!(called.notes.contains("is accepted, but was not decided within 1 s"), "{}", called.notes);
}

#[tokio::test]
async fn wrong_usage_is_told_before_anything_is_sent() {
    let said = async |url: &str, args: &[&str]| call(url, args).await.fails(2).notes;
    let https = said("https://auctions.example", &["auction", "list"]).await;
    assert!(https.contains("speaks plain http only; put a gateway in front"), "{https}");
    for url in ["ftp://x", "127.0.0.1:8080", "", "http://x/?a=b"] {
        let notes = said(url, &["auction", "list"]).await;
        assert!(notes.contains("is no address of a portal"), "{notes}");
    }
    let local = "http://127.0.0.1:9";
    let notes = said(local, &["replay", "/nowhere.csv"]).await;
    assert!(notes.contains("the history /nowhere.csv cannot be read"), "{notes}");
    let notes = said(local, &["replay", &shipped("history.csv"), "--currency", "usd"]).await;
    assert!(notes.contains("\"usd\" is not a currency"), "{notes}");
    let old = "01890a5d-ac96-774b-bcce-b302099a8057";
    let notes = said(local, &["replay", &shipped("history.csv"), "--run", old]).await;
    assert!(notes.contains("too old to be continued"), "{notes}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_no_portal_is_not_taken_for_one() {
    let fake = Fake::start(Faults::default()).await;
    let called = call(&format!("{}/elsewhere", fake.url), &["user", "create"]).await.fails(1);
    assert!(called.notes.contains("unknown_path"), "{}", called.notes);
}
