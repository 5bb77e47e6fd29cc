//! Commands sent by HTTP to a running portal, and their outcomes.

mod invalid_requests;

use crate::support::test_user::{HttpResponse, TestUser};
use crate::support::{RunningPortal, eventually};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicU64, Ordering};
use uuid::Uuid;

#[tokio::test]
async fn commands_return_their_outcomes() {
    // All cases share one portal, as they are independent of each other.
    let up = RunningPortal::start().await;
    let url = up.url("");
    highest_bid_wins_when_the_auction_ends(&url).await;
    command_status_is_available_by_its_handle(&url).await;
    repeated_request_has_one_effect_and_one_answer(&url).await;
    refusal_contains_its_details(&url).await;
    bid_is_deleted_only_by_its_bidder(&url).await;
    operator_can_end_cancel_and_void(&url).await;
    deleted_user_loses_bids_and_open_auctions(&url).await;
    command_is_refused_when_the_version_changed(&url).await;
    invalid_requests::invalid_input_is_named_and_has_no_effect(&url).await;
    list_pages_through_all_open_auctions(&url).await;
    up.verify();
}

async fn highest_bid_wins_when_the_auction_ends(url: &str) {
    let (sue, ada, bob) = (TestUser::new(url).await, TestUser::new(url).await, TestUser::new(url).await);
    let auction = sue.create_auction(json!({})).await;
    let first = ada.bid(&auction, 20_001).await;
    assert_eq!(first.assert_status(201).body["amount"], json!({"amount": 20_001, "currency": "USD"}));
    assert_eq!((first.body["rank"].clone(), first.body["leads"].clone()), (json!(1), json!(true)));
    let lower = bob.bid(&auction, 10_000).await;
    assert_eq!(
        (lower.assert_status(201).body["rank"].clone(), lower.body["leads"].clone()),
        (json!(2), json!(false))
    );
    assert_eq!(lower.body["highest"], json!({"amount": 20_001, "currency": "USD"}));

    bob.post(&format!("/auction/{auction}/end"), json!({}), &[("prefer", "wait=30")])
        .await
        .assert_problem(403, "not_your_auction");
    sue.post(&format!("/auction/{auction}/end"), json!({}), &[("prefer", "wait=30")])
        .await
        .assert_status(200);
    let closed = eventually("the winner is announced", || async {
        let shown = ada.get(&format!("/auction/{auction}"), &[]).await;
        (shown.body["status"] == "closed").then_some(shown)
    })
    .await;
    assert_eq!(closed.body["winner"]["bid"], first.body["bid"]);
    assert_eq!(closed.body["winner"]["price"], json!({"amount": 20_001, "currency": "USD"}));
    assert_eq!(closed.body["winner"]["bidder"], closed.body["top_bids"][0]["bidder"]);
    assert!(
        !closed.body.to_string().contains(ada.id.as_ref().unwrap()),
        "user ids of others are not visible"
    );
    ada.bid(&auction, 30_000).await.assert_problem(409, "auction_closed");
}

async fn command_status_is_available_by_its_handle(url: &str) {
    let sue = TestUser::new(url).await;
    let auction = json!({"title": "Palm Pilot", "currency": "EUR", "opening_bid": 100,
        "ends_at": "2099-01-01T00:00:00Z"});
    let accepted = sue.post("/auctions", auction, &[]).await;
    assert_eq!(
        (accepted.assert_status(202).header("retry-after"), accepted.text("status").as_str()),
        ("1", "pending")
    );
    let status = accepted.header("location").to_owned();
    assert_eq!(status, format!("/command/{}", accepted.text("command")));
    let done = eventually("the command is decided", || async {
        let shown = sue.get(&status, &[]).await;
        (shown.body["status"] != "pending").then_some(shown)
    })
    .await;
    assert_eq!(done.assert_status(303).header("location"), format!("/auction/{}", accepted.text("auction")));
    let result = sue.get(&status, &[("prefer", "return=representation")]).await;
    assert_eq!(result.assert_status(200).header("preference-applied"), "return=representation");
    assert_eq!((result.text("status").as_str(), result.body["version"].clone()), ("done", json!(1)));
    let shown = eventually("the auction is readable", || async {
        let shown = sue.get(done.header("location"), &[]).await;
        (shown.status == 200).then_some(shown)
    })
    .await;
    assert_eq!(shown.text("title"), "Palm Pilot");

    let mut forged = accepted.text("command").into_bytes();
    forged[3] = if forged[3] == b'A' { b'B' } else { b'A' };
    let forged = String::from_utf8(forged).unwrap();
    sue.get(&format!("/command/{forged}"), &[]).await.assert_problem(404, "unknown_command");
    let bare = accepted.text("auction");
    sue.get(&format!("/command/{bare}"), &[]).await.assert_problem(404, "unknown_command");
}

async fn repeated_request_has_one_effect_and_one_answer(url: &str) {
    let (sue, ada) = (TestUser::new(url).await, TestUser::new(url).await);
    let auction = sue.create_auction(json!({})).await;
    let path = format!("/auction/{auction}/bid");
    let headers = [("idempotency-key", "once"), ("prefer", "wait=30")];
    let bid = |amount: u64| ada.put(&path, json!({"amount": amount}), &headers);
    let (first, again) = (bid(10_000).await, bid(10_000).await);
    let same = |answer: &HttpResponse| {
        let mut body = answer.assert_status(201).body.clone();
        body.as_object_mut().unwrap().remove("command"); // a handle contains the time at which it was issued
        body
    };
    assert_eq!(same(&first), same(&again));
    bid(10_001).await.assert_problem(422, "idempotency_key_reused");
    // The same holds while the first request is pending, and for a quoted key, as the standard requires.
    let pending = [("idempotency-key", "\"in-doubt\"")];
    let (one, two) = (json!({"amount": 11_000}), json!({"amount": 12_000}));
    let accepted = ada.put(&path, one.clone(), &pending).await;
    let again = ada.put(&path, one, &[("idempotency-key", "in-doubt")]).await;
    assert_eq!(
        accepted.assert_status(202).header("location"),
        again.assert_status(202).header("location"),
        "both requests get the same handle"
    );
    ada.put(&path, two, &pending).await.assert_problem(422, "idempotency_key_reused");
    ada.get(accepted.header("location"), &[("prefer", "wait=30")]).await.assert_status(303);
    let broken = [("idempotency-key", "\"unterminated")];
    ada.put(&path, json!({"amount": 13_000}), &broken).await.assert_problem(400, "invalid_request");
    let other_path = format!("/auction/{}/bid", sue.create_auction(json!({})).await);
    let other_path = ada.put(&other_path, json!({"amount": 9900}), &headers);
    assert_ne!(
        other_path.await.assert_status(201).body["bid"],
        first.body["bid"],
        "the same key on another path"
    );
    let own = own_bids(&ada, &auction, 2).await;
    assert_eq!(own["bids"][1]["amount"]["amount"], json!(10_000));
}

/// Waits until the read model has `count` bids of the caller, and returns them.
async fn own_bids(user: &TestUser, auction: &str, count: u64) -> Value {
    eventually("the bids are readable", || async {
        let own = user.get(&format!("/auction/{auction}/bids?by=me"), &[]).await;
        (own.body["count"] == json!(count)).then_some(own.body)
    })
    .await
}

async fn refusal_contains_its_details(url: &str) {
    let (sue, ada) = (TestUser::new(url).await, TestUser::new(url).await);
    let auction = sue.create_auction(json!({})).await;
    let low = ada.bid(&auction, 9899).await;
    assert_eq!(
        low.assert_problem(409, "below_opening_bid").body["minimum"],
        json!({"amount": 9900, "currency": "USD"})
    );
    ada.bid(&auction, 10_000).await.assert_status(201);
    let again = ada.bid(&auction, 10_000).await;
    again.assert_problem(409, "not_above_your_latest");
    assert_eq!(again.body["your_latest"]["amount"], json!(10_000));
    assert_eq!(again.body["minimum"]["amount"], json!(10_001));
    sue.bid(&auction, 10_000).await.assert_problem(403, "seller_may_not_bid");
    ada.bid(&Uuid::new_v4().to_string(), 10_000).await.assert_problem(404, "unknown_auction");
    let mut unknown_user = TestUser::anonymous(url);
    unknown_user.id = Some(Uuid::new_v4().to_string());
    unknown_user.bid(&auction, 10_000).await.assert_problem(403, "unknown_sender");
    let past = json!({"title": "x", "currency": "USD", "opening_bid": 1, "ends_at": "2001-01-01T00:00:00Z"});
    let past = sue.post("/auctions", past, &[("prefer", "wait=30")]).await;
    assert_eq!(past.assert_problem(422, "ends_in_the_past").body["ends_at"], "2001-01-01T00:00:00.000Z");
}

async fn bid_is_deleted_only_by_its_bidder(url: &str) {
    let (sue, ada, bob) = (TestUser::new(url).await, TestUser::new(url).await, TestUser::new(url).await);
    let auction = sue.create_auction(json!({})).await;
    let bid = ada.bid(&auction, 10_000).await.assert_status(201).text("bid");
    let path = format!("/auction/{auction}/bid/{bid}");
    let wait = [("prefer", "wait=30")];
    let delete = reqwest::Method::DELETE;
    bob.send(delete.clone(), &path, None, &wait).await.assert_problem(403, "not_your_bid");
    ada.send(delete.clone(), &path, None, &wait).await.assert_status(200);
    ada.send(delete.clone(), &path, None, &wait).await.assert_problem(409, "bid_not_live");
    let unknown = format!("/auction/{auction}/bid/{}", Uuid::new_v4());
    ada.send(delete, &unknown, None, &wait).await.assert_problem(404, "unknown_bid");
    let own = eventually("the bid is shown as deleted", || async {
        let own = own_bids(&ada, &auction, 1).await;
        (own["bids"][0]["state"] == "deleted").then_some(own)
    })
    .await;
    assert_eq!(own["bids"][0]["id"], json!(bid));
    ada.bid(&auction, 9900).await.assert_status(201);
}

async fn operator_can_end_cancel_and_void(url: &str) {
    let (sue, ada, operator) = (TestUser::new(url).await, TestUser::new(url).await, TestUser::anonymous(url));
    let auction = sue.create_auction(json!({})).await;
    let bid = ada.bid(&auction, 10_000).await.assert_status(201).text("bid");
    let void = format!("/auction/{auction}/bid/{bid}/void");
    let (as_operator, as_buyer) =
        ([("x-user-role", "operator"), ("prefer", "wait=30")], [("x-user-role", "buyer")]);
    let because = |reason: &str| json!({ "reason": reason });
    ada.post(&void, because("a slip"), &[]).await.assert_problem(403, "operator_role_required");
    ada.post(&void, because("a slip"), &as_buyer).await.assert_problem(403, "operator_role_required");
    operator.post(&void, because(" "), &as_operator).await.assert_problem(400, "invalid_request");
    operator.post(&void, because("typed one zero too many"), &as_operator).await.assert_status(200);
    operator.post(&void, because("again"), &as_operator).await.assert_problem(409, "bid_not_live");
    eventually("the bid is shown as voided", || async {
        (own_bids(&ada, &auction, 1).await["bids"][0]["state"] == "voided").then_some(())
    })
    .await;
    let (cancel, wait) = (format!("/auction/{auction}/cancel"), [("prefer", "wait=30")]);
    ada.post(&cancel, json!({}), &wait).await.assert_problem(403, "not_your_auction");
    operator.post(&cancel, json!({}), &wait).await.assert_problem(401, "authentication_required");
    sue.post(&cancel, json!({}), &wait).await.assert_status(200);
    operator.post(&cancel, json!({}), &as_operator).await.assert_problem(409, "auction_cancelled");
    ada.bid(&auction, 10_000).await.assert_problem(409, "auction_cancelled");
    let (cancelled, ended) = (sue.create_auction(json!({})).await, sue.create_auction(json!({})).await);
    operator.post(&format!("/auction/{cancelled}/cancel"), json!({}), &as_operator).await.assert_status(200);
    operator.post(&format!("/auction/{ended}/end"), json!({}), &as_operator).await.assert_status(200);
}

async fn deleted_user_loses_bids_and_open_auctions(url: &str) {
    let (sue, ada, bob) = (TestUser::new(url).await, TestUser::new(url).await, TestUser::new(url).await);
    let (auction, own_auction) = (sue.create_auction(json!({})).await, ada.create_auction(json!({})).await);
    let sold = sue.create_auction(json!({})).await;
    bob.bid(&auction, 10_000).await.assert_status(201);
    ada.bid(&auction, 20_000).await.assert_status(201);
    ada.bid(&sold, 20_000).await.assert_status(201);
    sue.post(&format!("/auction/{sold}/end"), json!({}), &[("prefer", "wait=30")]).await.assert_status(200);
    let result = eventually("the winner is announced, and the seed of the draws", || async {
        let shown = bob.get(&format!("/auction/{sold}"), &[]).await;
        (shown.body["status"] == "closed" && shown.body["promotion"]["seed"].is_string())
            .then_some(shown.body)
    })
    .await;

    let (path, delete) = (format!("/user/{}", ada.id.as_ref().unwrap()), reqwest::Method::DELETE);
    let (wait, as_operator) = ([("prefer", "wait=30")], [("x-user-role", "operator"), ("prefer", "wait=30")]);
    bob.send(delete.clone(), &path, None, &wait).await.assert_problem(403, "not_your_account");
    ada.send(delete.clone(), &path, None, &wait).await.assert_status(200);
    ada.send(delete.clone(), &path, None, &wait).await.assert_problem(409, "user_already_deleted");
    let amount = AtomicU64::new(30_000);
    eventually("the partition of the auction has barred the user", || async {
        let bid = ada.bid(&auction, amount.fetch_add(100, Ordering::Relaxed)).await;
        (bid.status == 403 && bid.body["code"] == "unknown_sender").then_some(())
    })
    .await;
    eventually("the bids from before the bar are retracted", || async {
        let shown = bob.get(&format!("/auction/{auction}"), &[]).await.body;
        (shown["bids"] == 1 && shown["top_bids"][0]["amount"]["amount"] == 10_000).then_some(())
    })
    .await;
    eventually("the auction of the deleted user is cancelled", || async {
        let shown = bob.get(&format!("/auction/{own_auction}"), &[]).await;
        (shown.body["status"] == "cancelled").then_some(())
    })
    .await;
    assert_eq!(ada.get(&path, &[]).await.assert_status(200).body["deleted"], json!(true));
    let shown = bob.get(&format!("/auction/{sold}"), &[]).await.body;
    assert_eq!(shown, result, "the result of a closed auction does not change");
    let bob_path = format!("/user/{}", bob.id.as_ref().unwrap());
    let operator = TestUser::anonymous(url);
    operator.send(delete, &bob_path, None, &as_operator).await.assert_status(200);
    let unknown = format!("/user/{}", Uuid::new_v4());
    operator.get(&unknown, &as_operator).await.assert_problem(404, "unknown_user");
}

async fn command_is_refused_when_the_version_changed(url: &str) {
    let (sue, ada) = (TestUser::new(url).await, TestUser::new(url).await);
    let auction = sue.create_auction(json!({})).await;
    let (path, bid) = (format!("/auction/{auction}"), format!("/auction/{auction}/bid"));
    let etag = eventually("the auction is readable", || async {
        let shown = ada.get(&path, &[]).await;
        (shown.status == 200).then(|| shown.header("etag").to_owned())
    })
    .await;
    assert!(etag.starts_with("\"1-"), "{etag}");
    let bid_if_match = async |amount: u64, if_match: &str, key: &str| {
        let headers = [("if-match", if_match), ("idempotency-key", key), ("prefer", "wait=30")];
        ada.put(&bid, json!({"amount": amount}), &headers).await
    };
    let first = bid_if_match(10_000, &etag, "one").await;
    assert_eq!(first.assert_status(201).body["version"], json!(2));
    bid_if_match(10_000, &etag, "one").await.assert_status(201);
    bid_if_match(10_000, "\"2\"", "one").await.assert_problem(422, "idempotency_key_reused");
    let late = bid_if_match(20_000, &etag, "two").await;
    let versions = |answer: &HttpResponse| {
        (answer.body["expected_version"].clone(), answer.body["actual_version"].clone())
    };
    assert_eq!(versions(late.assert_problem(412, "version_conflict")), (json!(1), json!(2)));
    // Proxies that compress a response make its tag weak.
    bid_if_match(15_000, "W/\"2\"", "three").await.assert_status(201);
    bid_if_match(20_000, "W/\"2\"", "late").await.assert_problem(412, "version_conflict");
    bid_if_match(20_000, "2", "four").await.assert_problem(400, "invalid_request");
    bid_if_match(20_000, "*", "five").await.assert_status(201);
    let delete = format!("/auction/{auction}/bid/{}", first.text("bid"));
    let stale = [("if-match", "\"2\""), ("prefer", "wait=30")];
    ada.send(reqwest::Method::DELETE, &delete, None, &stale).await.assert_problem(412, "version_conflict");
    let fresh = [("if-match", "\"4\""), ("prefer", "wait=30")];
    ada.send(reqwest::Method::DELETE, &delete, None, &fresh).await.assert_status(200);
}

async fn list_pages_through_all_open_auctions(url: &str) {
    let sue = TestUser::new(url).await;
    let mut created = Vec::new();
    for day in 1..=7 {
        created.push(sue.create_auction(json!({"ends_at": format!("2098-01-{day:02}T00:00:00Z")})).await);
    }
    let listed = eventually("all auctions are listed", || async {
        let mut listed: Vec<Value> = Vec::new();
        let mut next = Some("/auctions?limit=3".to_owned());
        while let Some(path) = next {
            let page = TestUser::anonymous(url).get(&path, &[]).await;
            listed.extend(page.assert_status(200).body["auctions"].as_array().unwrap().clone());
            next = page.body["next"].as_str().map(str::to_owned);
        }
        (listed.len() >= 7 && listed[6]["ends_at"] == "2098-01-07T00:00:00.000Z").then_some(listed)
    })
    .await;
    let first: Vec<&str> = listed[..7].iter().map(|auction| auction["id"].as_str().unwrap()).collect();
    assert_eq!(first, created, "auctions are ordered by their end");
    let ends: Vec<&str> = listed.iter().map(|auction| auction["ends_at"].as_str().unwrap()).collect();
    assert!(ends.is_sorted());
}
