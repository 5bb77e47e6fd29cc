//! A replay has the same result despite faults and crashes.

use crate::portal::{Faults, TestPortal};
use crate::{CliOutput, run_cli, run_cli_on, shipped};
use auction_cli::Console;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::time::sleep;

const ROUGH: Faults =
    Faults { lost_request: 13, lost_answer: 17, cut_answer: 19, unavailable: 23, pending: 3 };

/// Returns the summary without the values that differ between runs.
fn summary(called: &CliOutput) -> Value {
    let mut summary = called.json();
    let members = summary.as_object_mut().unwrap();
    assert!(members.remove("seconds").unwrap().is_number());
    assert!(members.remove("run").unwrap().is_string());
    summary
}

fn expected() -> (Value, Value) {
    let mut expected: Value =
        serde_json::from_str(&std::fs::read_to_string(shipped("history.expected.json")).unwrap()).unwrap();
    let winners = expected.as_object_mut().unwrap().remove("winners").unwrap();
    (expected, winners)
}

async fn replay_json(portal: &TestPortal, more: &[&str]) -> CliOutput {
    let history = shipped("history.csv");
    run_cli(&portal.url, &[&["replay", &history, "--json"], more].concat()).await
}

fn expected_winners() -> Vec<u64> {
    let (_, winners) = expected();
    let mut pays: Vec<u64> =
        winners.as_object().unwrap().values().map(|winner| winner["pays"].as_u64().unwrap()).collect();
    pays.sort_unstable();
    pays
}

#[track_caller]
fn assert_as_expected(portal: &TestPortal, called: &CliOutput) {
    let (expected, _) = expected();
    assert_eq!(summary(called), expected);
    assert_eq!(called.output.lines().count(), 1);
    assert_eq!(portal.backends.winning_prices(), expected_winners());
    assert_eq!(
        portal.backends.count("bid_placed"),
        expected["accepted"].as_u64().unwrap(),
        "each bid has one effect"
    );
    assert_eq!(portal.backends.out_of_order(), 0, "bids of an auction are sent one after the other");
}

#[tokio::test(flavor = "multi_thread")]
async fn replay_of_the_shipped_history_has_the_expected_summary() {
    let portal = TestPortal::start(Faults::default()).await;
    let called = replay_json(&portal, &[]).await.succeeds();
    assert_as_expected(&portal, &called);
    assert_eq!(portal.backends.repeated(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn replay_table_has_winners_and_marks_different_prices() {
    let portal = TestPortal::start(Faults::default()).await;
    let called = run_cli(&portal.url, &["replay", &shipped("history.csv")]).await.succeeds();
    let (_, winners) = expected();
    for (auction, winner) in winners.as_object().unwrap() {
        let line = called.output.lines().find(|line| line.starts_with(&format!("{auction} "))).unwrap();
        let pays = winner["pays"].as_u64().unwrap();
        let price = format!("{}.{:02}", pays / 100, pays % 100);
        let bidder = winner["bidder"].as_str().unwrap();
        assert!(line.contains(bidder) && line.contains(&price), "{line}");
        assert_eq!(line.ends_with("differs"), auction == "1008", "{line}");
    }
    assert!(called.output.contains(" refused: not_above_your_latest\n"), "{}", called.output);
}

#[tokio::test(flavor = "multi_thread")]
async fn replay_result_is_unchanged_by_lost_requests_and_503s() {
    for concurrency in ["64", "4"] {
        let portal = TestPortal::start(ROUGH).await;
        let called = replay_json(&portal, &["--concurrency", concurrency]).await.succeeds();
        assert_as_expected(&portal, &called);
        assert!(portal.backends.repeated() > 0, "some requests were repeated");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn replay_result_is_unchanged_by_portal_crashes() {
    let portal = TestPortal::start(Faults { pending: 3, ..Faults::default() }).await;
    let crashes = async {
        for requests in [20, 90, 200] {
            portal.wait_for_requests(requests).await;
            portal.kill();
            sleep(Duration::from_millis(300)).await;
            portal.restart().await;
        }
    };
    let (called, ()) = tokio::join!(replay_json(&portal, &["--concurrency", "3"]), crashes);
    assert_as_expected(&portal, &called.succeeds());
    assert!(portal.unknown_handles() > 0, "handles from before the crash were requested");
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_replay_can_be_continued() {
    let portal = TestPortal::start(ROUGH).await;
    let (console, history) = (Console::captured(), shipped("history.csv"));
    let args = ["replay", &history, "--json", "--concurrency", "2"];
    tokio::select! {
        _ = run_cli_on(&console, &portal.url, &args) => panic!("the replay ended before it was killed"),
        () = portal.wait_for_requests(120) => {} // the replay is dropped here, with its connections
    }
    assert!(portal.backends.count("bid_placed") > 0, "the replay had started to bid");
    let notes = console.notes();
    let run = notes.strip_prefix("replay ").and_then(|rest| rest.split(':').next()).unwrap();
    let called = replay_json(&portal, &["--run", run]).await.succeeds();
    assert_as_expected(&portal, &called);
    assert_eq!(called.json()["run"], json!(run));
    let users = portal.backends.count("user_created");
    let again = replay_json(&portal, &["--run", run]).await.succeeds();
    assert_eq!((summary(&again), portal.backends.count("user_created")), (summary(&called), users));
}

#[tokio::test(flavor = "multi_thread")]
async fn replay_reports_malformed_rows_and_plays_the_rest() {
    let portal = TestPortal::start(Faults::default()).await;
    let path = std::env::temp_dir().join(format!("malformed-{}.csv", uuid::Uuid::new_v4()));
    let rows = "bidder,auction,item,opening_bid,closing_price,bid,day_offset\n\
                ann,1,Lamp,1,3,2,0.1\nben,1,Lamp,1,3,two,0.2\nben,1,Lamp,1,3,3,0.3\n";
    std::fs::write(&path, rows).unwrap();
    let called = run_cli(&portal.url, &["replay", path.to_str().unwrap(), "--json"]).await.succeeds();
    std::fs::remove_file(&path).unwrap();
    assert!(called.notes.contains("line 3 is skipped: bid: \"two\" is not a number"), "{}", called.notes);
    let expected = json!({"auctions": 1, "bids": 2, "accepted": 2, "refused": {}, "accepted_below_highest": 0,
        "accepted_not_leading": 0, "winners_equal_to_closing_price": 1, "unfinished": 0, "malformed_rows": 1});
    assert_eq!(summary(&called), expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn replay_of_the_recorded_auctions_has_the_known_figures() {
    let path = std::env::var_os("AUCTION_HISTORY").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/ebay-bids.csv"),
        PathBuf::from,
    );
    if !path.exists() {
        eprintln!("skipped: {} does not exist; set AUCTION_HISTORY to the file", path.display());
        return;
    }
    let portal = TestPortal::start(Faults { pending: 41, lost_answer: 997, ..Faults::default() }).await;
    let called = run_cli(&portal.url, &["replay", path.to_str().unwrap(), "--json"]).await.succeeds();
    let expected = json!({"auctions": 364, "bids": 6109, "accepted": 6070,
        "refused": {"below_opening_bid": 2, "not_above_your_latest": 37}, "accepted_below_highest": 2687,
        "accepted_not_leading": 3096, "winners_equal_to_closing_price": 363, "unfinished": 0, "malformed_rows": 0});
    assert_eq!(summary(&called), expected);
    assert_eq!(portal.backends.out_of_order(), 0);
}
