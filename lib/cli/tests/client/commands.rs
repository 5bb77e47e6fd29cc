//! Single commands of the client.

use crate::portal::{Faults, TestPortal};
use crate::{run_cli, shipped};
use serde_json::json;

const ROUGH: Faults = Faults { lost_request: 5, lost_answer: 3, cut_answer: 11, unavailable: 7, pending: 2 };

async fn user(portal: &TestPortal) -> String {
    run_cli(&portal.url, &["user", "create"]).await.succeeds().output.trim().to_owned()
}

async fn auction(portal: &TestPortal, seller: &str, more: &[&str]) -> String {
    let args = ["auction", "create", "--as", seller, "--title", "A lamp", "--opening-bid", "9.50"];
    let called = run_cli(&portal.url, &[&args, more].concat()).await.succeeds();
    called.output.trim().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_have_one_effect_when_requests_are_repeated() {
    let portal = TestPortal::start(ROUGH).await;
    let (seller, bidder) = (user(&portal).await, user(&portal).await);
    let auction = auction(&portal, &seller, &["--ends-in", "10m"]).await;
    for amount in ["10", "11.5", "12.25"] {
        run_cli(&portal.url, &["bid", &auction, amount, "--as", &bidder]).await.succeeds();
    }
    let counts = ["user_created", "auction_created", "bid_placed"].map(|kind| portal.backends.count(kind));
    assert_eq!(counts, [2, 1, 3]);
}

#[tokio::test(flavor = "multi_thread")]
async fn bid_prints_its_rank() {
    let portal = TestPortal::start(Faults::default()).await;
    let (seller, ann, ben) = (user(&portal).await, user(&portal).await, user(&portal).await);
    let auction = auction(&portal, &seller, &["--ends-in", "10m"]).await;
    let called = run_cli(&portal.url, &["bid", &auction, "200.01", "--as", &ann]).await.succeeds();
    assert!(called.output.starts_with("bid 200.01 USD as "), "{}", called.output);
    assert!(called.output.ends_with("; leading\n"), "{}", called.output);
    let called = run_cli(&portal.url, &["bid", &auction, "150", "--as", &ben]).await.succeeds();
    assert!(called.output.ends_with("; rank 2, the highest bid is 200.01 USD\n"), "{}", called.output);
    let called = run_cli(&portal.url, &["bid", &auction, "150.01", "--as", &ben, "--json"]).await.succeeds();
    assert_eq!(called.json()["amount"], json!({"amount": 15001, "currency": "USD"}));
}

#[tokio::test(flavor = "multi_thread")]
async fn refusal_exits_with_1_and_prints_reason_and_details() {
    let portal = TestPortal::start(Faults::default()).await;
    let (seller, ann) = (user(&portal).await, user(&portal).await);
    let auction = auction(&portal, &seller, &["--ends-in", "10m"]).await;
    let called = run_cli(&portal.url, &["bid", &auction, "9.49", "--as", &ann]).await.fails(1);
    assert!(called.notes.contains("(below_opening_bid)\n  minimum: 9.50 USD"), "{}", called.notes);
    let called = run_cli(&portal.url, &["bid", &auction, "9.49", "--as", &ann, "--json"]).await.fails(1);
    assert_eq!(called.json()["code"], "below_opening_bid");
    assert_eq!(called.json()["minimum"]["amount"], 950);
    let called = run_cli(&portal.url, &["bid", &auction, "1.005", "--as", &ann]).await.fails(2);
    assert!(called.notes.contains("USD has 2 after the point"), "{}", called.notes);
    let nowhere = "01890a5d-ac96-774b-bcce-b302099a8057";
    let called = run_cli(&portal.url, &["auction", "show", nowhere]).await.fails(1);
    assert!(called.notes.contains("unknown_auction"), "{}", called.notes);
}

#[tokio::test(flavor = "multi_thread")]
async fn amounts_have_the_digits_of_their_currency() {
    let portal = TestPortal::start(Faults::default()).await;
    let (seller, ann) = (user(&portal).await, user(&portal).await);
    let args = ["auction", "create", "--as", &seller, "--title", "Print", "--currency", "JPY"];
    let args = [&args[..], &["--opening-bid", "1500", "--ends-in", "1d"]].concat();
    let auction = run_cli(&portal.url, &args).await.succeeds().output.trim().to_owned();
    let called = run_cli(&portal.url, &["bid", &auction, "1600", "--as", &ann]).await.succeeds();
    assert!(called.output.starts_with("bid 1600 JPY as "), "{}", called.output);
    run_cli(&portal.url, &["bid", &auction, "1600.5", "--as", &ann]).await.fails(2);
}

#[tokio::test(flavor = "multi_thread")]
async fn auction_show_has_terms_highest_bids_and_own_bids() {
    let portal = TestPortal::start(Faults::default()).await;
    let (seller, ann) = (user(&portal).await, user(&portal).await);
    let more = ["--ends-in", "10m", "--reserve", "100", "--extend-by", "2m", "--within", "1m"];
    let auction = auction(&portal, &seller, &more).await;
    run_cli(&portal.url, &["bid", &auction, "20", "--as", &ann]).await.succeeds();
    portal.backends.wait_for_read_models().await;
    let called = run_cli(&portal.url, &["auction", "show", &auction, "--as", &ann]).await.succeeds();
    for message in
        ["A lamp", "open\n", "9.50 USD", "not reached", "1 by 1 bidder\n", "(you)", "your bids (1)"]
    {
        assert!(called.output.contains(message), "{message:?} is not in\n{}", called.output);
    }
    let called =
        run_cli(&portal.url, &["auction", "show", &auction, "--as", &ann, "--json"]).await.succeeds();
    assert_eq!(called.json()["top_bids"][0]["amount"]["amount"], 2000);
    assert_eq!(called.json()["own_bids"]["count"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn auctions_are_created_from_csv_and_listed_by_page() {
    let portal = TestPortal::start(Faults::default()).await;
    let seller = user(&portal).await;
    let catalogue = shipped("catalogue.csv");
    let called =
        run_cli(&portal.url, &["auction", "create", "--as", &seller, "--from", &catalogue]).await.succeeds();
    assert_eq!(called.output.lines().count(), 4);
    assert!(called.output.contains("Mantel clock, walnut"), "{}", called.output);
    portal.backends.wait_for_read_models().await;
    let listed = run_cli(&portal.url, &["auction", "list"]).await.succeeds();
    assert_eq!(listed.output.lines().count(), 5, "{}", listed.output);
    assert!(listed.output.contains("15000 JPY"), "{}", listed.output);
    let listed = run_cli(&portal.url, &["auction", "list", "--limit", "3"]).await.succeeds();
    assert_eq!(listed.output.lines().count(), 4);
    assert!(listed.notes.contains("only the first 3 are listed"), "{}", listed.notes);
    let listed = run_cli(&portal.url, &["auction", "list", "--json"]).await.succeeds();
    assert_eq!(listed.json()["auctions"].as_array().unwrap().len(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn csv_with_invalid_rows_creates_nothing() {
    let portal = TestPortal::start(Faults::default()).await;
    let seller = user(&portal).await;
    let path = std::env::temp_dir().join(format!("catalogue-{}.csv", uuid::Uuid::new_v4()));
    let rows = "title,opening_bid,ends_in\nA lamp,5,10m\nA pot,cheap,10m\nA jug,5,\n";
    std::fs::write(&path, rows).unwrap();
    let file = path.to_str().unwrap();
    let called = run_cli(&portal.url, &["auction", "create", "--as", &seller, "--from", file]).await.fails(2);
    assert!(called.notes.contains("line 3: opening_bid: \"cheap\" is not a number"), "{}", called.notes);
    assert!(called.notes.contains("line 4: the end is missing"), "{}", called.notes);
    std::fs::write(&path, "title,opening_bid,ends_in,reserv\nA lamp,5,10m,9\n").unwrap();
    let called = run_cli(&portal.url, &["auction", "create", "--as", &seller, "--from", file]).await.fails(2);
    assert!(called.notes.contains("unknown field `reserv`"), "{}", called.notes);
    std::fs::remove_file(&path).unwrap();
    assert_eq!(portal.backends.count("auction_created"), 0);
}
