//! Users are told what they want to know, once.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a test fails by panicking"
)]

mod support;

use serde_json::json;
use support::person::Person;
use support::{Up, text};
use uuid::Uuid;

#[tokio::test]
async fn what_a_user_is_told_is_his_choice() {
    let up = Up::start().await;
    let ada = Person::new(&up.url("")).await;
    let all = json!({"auction_won": true, "highest_bid": true, "bid_doubled": true});
    assert_eq!(ada.get("/subscriptions", &[]).await.is(200).body, all, "who never chose is told everything");
    let wait = [("prefer", "wait=30")];
    let chosen = ada.put("/subscriptions", json!({"highest_bid": false}), &wait).await;
    assert_eq!(chosen.is(200).header("location"), "/subscriptions");
    assert_eq!(
        (chosen.text("kind"), chosen.body["version"].clone()),
        ("change_subscriptions".into(), json!(2))
    );
    let chosen = json!({"auction_won": true, "highest_bid": false, "bid_doubled": true});
    assert_eq!(ada.get("/subscriptions", &[]).await.is(200).body, chosen);
    let again = ada.put("/subscriptions", json!({"highest_bid": false}), &wait).await;
    assert_eq!(again.is(200).body["version"], json!(2), "the same choice changes nothing");
    ada.put("/subscriptions", json!({"winning": true}), &wait).await.is_problem(400, "invalid_request");
    let mut stranger = Person::nobody(&up.url(""));
    stranger.get("/subscriptions", &[]).await.is_problem(401, "caller_unknown");
    stranger.id = Some(Uuid::new_v4().to_string());
    stranger.get("/subscriptions", &[]).await.is_problem(404, "unknown_user");
    stranger.put("/subscriptions", json!({}), &wait).await.is_problem(404, "unknown_user");
    let shown =
        up.client(&["subscriptions", "--as", ada.id.as_ref().unwrap(), "--bid-doubled", "off"]).output();
    assert_eq!(text(&shown.unwrap()).lines().nth(3), Some("bid_doubled  off"));
    up.verify();
}
