//! Real HTTP against a real portal: what a client gets for what it sends.

use crate::support::test_user::{Answer, TestUser};
use crate::support::{RunningPortal, eventually};
use serde_json::{Value, json};
use uuid::Uuid;

#[tokio::test]
async fn command_outcomes() {
    // One portal for all of them: they are independent of each other.
    let up = RunningPortal::start().await;
    let url = up.url("");
    a_bid_goes_all_the_way_to_a_winner(&url).await;
    a_command_is_answered_at_once_and_followed_by_its_handle(&url).await;
    a_repeated_request_has_one_effect_and_one_answer(&url).await;
    a_refusal_carries_its_numbers(&url).await;
    a_bid_is_taken_back_by_its_bidder_alone(&url).await;
    an_operator_ends_cancels_and_voids_and_nobody_else_does(&url).await;
    a_deleted_user_is_gone_with_bids_and_offers(&url).await;
    a_command_for_a_version_that_has_moved_on_is_refused(&url).await;
    wrong_input_is_named_and_loses_nothing(&url).await;
    the_list_pages_through_all_open_auctions(&url).await;
    up.verify();
}

async fn a_bid_goes_all_the_way_to_a_winner(url: &str) {
    let (sue, ada, bob) = (TestUser::new(url).await, TestUser::new(url).await, TestUser::new(url).await);
    let auction = sue.offer(json!({})).await;
    let first = ada.bid(&auction, 20_001).await;
    assert_eq!(first.is(201).body["amount"], json!({"amount": 20_001, "currency": "USD"}));
    assert_eq!((first.body["rank"].clone(), first.body["leads"].clone()), (json!(1), json!(true)));
    let lower = bob.bid(&auction, 10_000).await;
    assert_eq!((lower.is(201).body["rank"].clone(), lower.body["leads"].clone()), (json!(2), json!(false)));
    assert_eq!(lower.body["highest"], json!({"amount": 20_001, "currency": "USD"}));

    bob.post(&format!("/auction/{auction}/end"), json!({}), &[("prefer", "wait=30")])
        .await
        .is_problem(403, "not_your_auction");
    sue.post(&format!("/auction/{auction}/end"), json!({}), &[("prefer", "wait=30")]).await.is(200);
    let closed = eventually("the winner is announced", || async {
        let shown = ada.get(&format!("/auction/{auction}"), &[]).await;
        (shown.body["status"] == "closed").then_some(shown)
    })
    .await;
    assert_eq!(closed.body["winner"]["bid"], first.body["bid"]);
    assert_eq!(closed.body["winner"]["pays"], json!({"amount": 20_001, "currency": "USD"}));
    assert_eq!(closed.body["winner"]["bidder"], closed.body["top_bids"][0]["bidder"]);
    assert!(!closed.body.to_string().contains(ada.id.as_ref().unwrap()), "no user's id is shown to others");
    ada.bid(&auction, 30_000).await.is_problem(409, "auction_closed");
}

async fn a_command_is_answered_at_once_and_followed_by_its_handle(url: &str) {
    let sue = TestUser::new(url).await;
    let offer = json!({"title": "Palm Pilot", "currency": "EUR", "opening_bid": 100, "ends_at": "2099-01-01T00:00:00Z"});
    let accepted = sue.post("/auctions", offer, &[]).await;
    assert_eq!((accepted.is(202).header("retry-after"), accepted.text("status").as_str()), ("1", "pending"));
    let monitor = accepted.header("location").to_owned();
    assert_eq!(monitor, format!("/command/{}", accepted.text("command")));
    let done = eventually("the command is decided", || async {
        let shown = sue.get(&monitor, &[]).await;
        (shown.body["status"] != "pending").then_some(shown)
    })
    .await;
    assert_eq!(done.is(303).header("location"), format!("/auction/{}", accepted.text("auction")));
    let result = sue.get(&monitor, &[("prefer", "return=representation")]).await;
    assert_eq!(result.is(200).header("preference-applied"), "return=representation");
    assert_eq!((result.text("status").as_str(), result.body["version"].clone()), ("done", json!(1)));
    let shown = eventually("the auction is shown", || async {
        let shown = sue.get(done.header("location"), &[]).await;
        (shown.status == 200).then_some(shown)
    })
    .await;
    assert_eq!(shown.text("title"), "Palm Pilot");

    let mut forged = accepted.text("command").into_bytes();
    forged[3] = if forged[3] == b'A' { b'B' } else { b'A' };
    let forged = String::from_utf8(forged).unwrap();
    sue.get(&format!("/command/{forged}"), &[]).await.is_problem(404, "unknown_command");
    let bare = accepted.text("auction");
    sue.get(&format!("/command/{bare}"), &[]).await.is_problem(404, "unknown_command");
}

async fn a_repeated_request_has_one_effect_and_one_answer(url: &str) {
    let (sue, ada) = (TestUser::new(url).await, TestUser::new(url).await);
    let auction = sue.offer(json!({})).await;
    let path = format!("/auction/{auction}/bid");
    let headers = [("idempotency-key", "once"), ("prefer", "wait=30")];
    let bid = |amount: u64| ada.put(&path, json!({"amount": amount}), &headers);
    let (first, again) = (bid(10_000).await, bid(10_000).await);
    let same = |answer: &Answer| {
        let mut body = answer.is(201).body.clone();
        body.as_object_mut().unwrap().remove("command"); // it says when it was given out
        body
    };
    assert_eq!(same(&first), same(&again));
    bid(10_001).await.is_problem(422, "idempotency_key_reused");
    // Also while the first is pending, and with quotes, as the standard wants them.
    let pending = [("idempotency-key", "\"in-doubt\"")];
    let (one, two) = (json!({"amount": 11_000}), json!({"amount": 12_000}));
    let taken = ada.put(&path, one.clone(), &pending).await;
    let again = ada.put(&path, one, &[("idempotency-key", "in-doubt")]).await;
    assert_eq!(taken.is(202).header("location"), again.is(202).header("location"), "one handle");
    ada.put(&path, two, &pending).await.is_problem(422, "idempotency_key_reused");
    ada.get(taken.header("location"), &[("prefer", "wait=30")]).await.is(303);
    let broken = [("idempotency-key", "\"no end")];
    ada.put(&path, json!({"amount": 13_000}), &broken).await.is_problem(400, "invalid_request");
    let other_path = format!("/auction/{}/bid", sue.offer(json!({})).await);
    let other_path = ada.put(&other_path, json!({"amount": 9900}), &headers);
    assert_ne!(other_path.await.is(201).body["bid"], first.body["bid"], "the same key on another path");
    let own = own_bids(&ada, &auction, 2).await;
    assert_eq!(own["bids"][1]["amount"]["amount"], json!(10_000));
}

/// The caller's bids, when the read model has so many.
async fn own_bids(person: &TestUser, auction: &str, count: u64) -> Value {
    eventually("the bids are shown", || async {
        let own = person.get(&format!("/auction/{auction}/bids?by=me"), &[]).await;
        (own.body["count"] == json!(count)).then_some(own.body)
    })
    .await
}

async fn a_refusal_carries_its_numbers(url: &str) {
    let (sue, ada) = (TestUser::new(url).await, TestUser::new(url).await);
    let auction = sue.offer(json!({})).await;
    let low = ada.bid(&auction, 9899).await;
    assert_eq!(
        low.is_problem(409, "below_opening_bid").body["minimum"],
        json!({"amount": 9900, "currency": "USD"})
    );
    ada.bid(&auction, 10_000).await.is(201);
    let again = ada.bid(&auction, 10_000).await;
    again.is_problem(409, "not_above_your_latest");
    assert_eq!(again.body["your_latest"]["amount"], json!(10_000));
    assert_eq!(again.body["minimum"]["amount"], json!(10_001));
    sue.bid(&auction, 10_000).await.is_problem(403, "seller_may_not_bid");
    ada.bid(&Uuid::new_v4().to_string(), 10_000).await.is_problem(404, "unknown_auction");
    let mut stranger = TestUser::nobody(url);
    stranger.id = Some(Uuid::new_v4().to_string());
    stranger.bid(&auction, 10_000).await.is_problem(403, "unknown_sender");
    let past = json!({"title": "x", "currency": "USD", "opening_bid": 1, "ends_at": "2001-01-01T00:00:00Z"});
    let past = sue.post("/auctions", past, &[("prefer", "wait=30")]).await;
    assert_eq!(past.is_problem(422, "ends_in_the_past").body["ends_at"], "2001-01-01T00:00:00.000Z");
}

async fn a_bid_is_taken_back_by_its_bidder_alone(url: &str) {
    let (sue, ada, bob) = (TestUser::new(url).await, TestUser::new(url).await, TestUser::new(url).await);
    let auction = sue.offer(json!({})).await;
    let bid = ada.bid(&auction, 10_000).await.is(201).text("bid");
    let path = format!("/auction/{auction}/bid/{bid}");
    let wait = [("prefer", "wait=30")];
    let delete = reqwest::Method::DELETE;
    bob.send(delete.clone(), &path, None, &wait).await.is_problem(403, "not_your_bid");
    ada.send(delete.clone(), &path, None, &wait).await.is(200);
    ada.send(delete.clone(), &path, None, &wait).await.is_problem(409, "bid_not_live");
    let unknown = format!("/auction/{auction}/bid/{}", Uuid::new_v4());
    ada.send(delete, &unknown, None, &wait).await.is_problem(404, "unknown_bid");
    let own = eventually("the deletion is shown", || async {
        let own = own_bids(&ada, &auction, 1).await;
        (own["bids"][0]["state"] == "deleted").then_some(own)
    })
    .await;
    assert_eq!(own["bids"][0]["id"], json!(bid));
    ada.bid(&auction, 9900).await.is(201);
}

async fn an_operator_ends_cancels_and_voids_and_nobody_else_does(url: &str) {
    let (sue, ada, house) = (TestUser::new(url).await, TestUser::new(url).await, TestUser::nobody(url));
    let auction = sue.offer(json!({})).await;
    let bid = ada.bid(&auction, 10_000).await.is(201).text("bid");
    let void = format!("/auction/{auction}/bid/{bid}/void");
    let (operator, other) =
        ([("x-user-role", "operator"), ("prefer", "wait=30")], [("x-user-role", "buyer")]);
    let because = |reason: &str| json!({ "reason": reason });
    ada.post(&void, because("a slip"), &[]).await.is_problem(403, "operators_only");
    ada.post(&void, because("a slip"), &other).await.is_problem(403, "operators_only");
    house.post(&void, because(" "), &operator).await.is_problem(400, "invalid_request");
    house.post(&void, because("typed one zero too many"), &operator).await.is(200);
    house.post(&void, because("again"), &operator).await.is_problem(409, "bid_not_live");
    eventually("the bid is shown as voided", || async {
        (own_bids(&ada, &auction, 1).await["bids"][0]["state"] == "voided").then_some(())
    })
    .await;
    let (cancel, wait) = (format!("/auction/{auction}/cancel"), [("prefer", "wait=30")]);
    ada.post(&cancel, json!({}), &wait).await.is_problem(403, "not_your_auction");
    house.post(&cancel, json!({}), &wait).await.is_problem(401, "caller_unknown");
    sue.post(&cancel, json!({}), &wait).await.is(200);
    house.post(&cancel, json!({}), &operator).await.is_problem(409, "auction_cancelled");
    ada.bid(&auction, 10_000).await.is_problem(409, "auction_cancelled");
    let (cancelled, ended) = (sue.offer(json!({})).await, sue.offer(json!({})).await);
    house.post(&format!("/auction/{cancelled}/cancel"), json!({}), &operator).await.is(200);
    house.post(&format!("/auction/{ended}/end"), json!({}), &operator).await.is(200);
}

async fn a_deleted_user_is_gone_with_bids_and_offers(url: &str) {
    let (sue, ada, bob) = (TestUser::new(url).await, TestUser::new(url).await, TestUser::new(url).await);
    let (auction, offered) = (sue.offer(json!({})).await, ada.offer(json!({})).await);
    let sold = sue.offer(json!({})).await;
    bob.bid(&auction, 10_000).await.is(201);
    ada.bid(&auction, 20_000).await.is(201);
    ada.bid(&sold, 20_000).await.is(201);
    sue.post(&format!("/auction/{sold}/end"), json!({}), &[("prefer", "wait=30")]).await.is(200);
    let result = eventually("the winner is announced, and the seed of the draws", || async {
        let shown = bob.get(&format!("/auction/{sold}"), &[]).await;
        (shown.body["status"] == "closed" && shown.body["promotion"]["seed"].is_string())
            .then_some(shown.body)
    })
    .await;

    let (path, delete) = (format!("/user/{}", ada.id.as_ref().unwrap()), reqwest::Method::DELETE);
    let (wait, operator) = ([("prefer", "wait=30")], [("x-user-role", "operator"), ("prefer", "wait=30")]);
    bob.send(delete.clone(), &path, None, &wait).await.is_problem(403, "not_your_account");
    ada.send(delete.clone(), &path, None, &wait).await.is(200);
    ada.send(delete.clone(), &path, None, &wait).await.is_problem(409, "user_already_deleted");
    ada.bid(&auction, 30_000).await.is_problem(403, "unknown_sender");
    eventually("the bid is taken out", || async {
        let shown = bob.get(&format!("/auction/{auction}"), &[]).await.body;
        (shown["bids"] == 1 && shown["top_bids"][0]["amount"]["amount"] == 10_000).then_some(())
    })
    .await;
    eventually("the offer is cancelled", || async {
        let shown = bob.get(&format!("/auction/{offered}"), &[]).await;
        (shown.body["status"] == "cancelled").then_some(())
    })
    .await;
    assert_eq!(ada.get(&path, &[]).await.is(200).body["deleted"], json!(true));
    let shown = bob.get(&format!("/auction/{sold}"), &[]).await.body;
    assert_eq!(shown, result, "a result never changes");
    let bob_path = format!("/user/{}", bob.id.as_ref().unwrap());
    let house = TestUser::nobody(url);
    house.send(delete, &bob_path, None, &operator).await.is(200);
    let unknown = format!("/user/{}", Uuid::new_v4());
    house.get(&unknown, &operator).await.is_problem(404, "unknown_user");
}

async fn a_command_for_a_version_that_has_moved_on_is_refused(url: &str) {
    let (sue, ada) = (TestUser::new(url).await, TestUser::new(url).await);
    let auction = sue.offer(json!({})).await;
    let (path, bid) = (format!("/auction/{auction}"), format!("/auction/{auction}/bid"));
    let etag = eventually("the auction is shown", || async {
        let shown = ada.get(&path, &[]).await;
        (shown.status == 200).then(|| shown.header("etag").to_owned())
    })
    .await;
    assert!(etag.starts_with("\"1-"), "{etag}");
    let offer = async |amount: u64, if_match: &str, key: &str| {
        let headers = [("if-match", if_match), ("idempotency-key", key), ("prefer", "wait=30")];
        ada.put(&bid, json!({"amount": amount}), &headers).await
    };
    let first = offer(10_000, &etag, "one").await;
    assert_eq!(first.is(201).body["version"], json!(2));
    offer(10_000, &etag, "one").await.is(201);
    offer(10_000, "\"2\"", "one").await.is_problem(422, "idempotency_key_reused");
    let late = offer(20_000, &etag, "two").await;
    let versions =
        |answer: &Answer| (answer.body["expected_version"].clone(), answer.body["actual_version"].clone());
    assert_eq!(versions(late.is_problem(412, "version_moved")), (json!(1), json!(2)));
    offer(20_000, "W/\"2\"", "three").await.is_problem(412, "version_moved");
    offer(20_000, "2", "four").await.is_problem(400, "invalid_request");
    offer(20_000, "*", "five").await.is(201);
    let delete = format!("/auction/{auction}/bid/{}", first.text("bid"));
    let stale = [("if-match", "\"2\""), ("prefer", "wait=30")];
    ada.send(reqwest::Method::DELETE, &delete, None, &stale).await.is_problem(412, "version_moved");
    let fresh = [("if-match", "\"3\""), ("prefer", "wait=30")];
    ada.send(reqwest::Method::DELETE, &delete, None, &fresh).await.is(200);
}

async fn wrong_input_is_named_and_loses_nothing(url: &str) {
    let sue = TestUser::new(url).await;
    let wrong = json!({"title": " ", "currency": "usd", "opening_bid": 0, "ends_at": "2099-01-01T00:00:00Z",
        "soft_close": {"extend_by_seconds": 0, "within_seconds": 5, "at_most": 1}});
    let refused = sue.post("/auctions", wrong, &[]).await;
    refused.is_problem(400, "invalid_request");
    let at: Vec<&str> = refused.body["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| error["at"].as_str().unwrap())
        .collect();
    assert_eq!(at, ["title", "currency", "opening_bid", "soft_close.extend_by_seconds"]);

    let auction = sue.offer(json!({})).await;
    let bid = format!("/auction/{auction}/bid");
    let json_type = [("content-type", "application/json")];
    let put =
        |body: &str, headers| sue.send(reqwest::Method::PUT, &bid, Some(body.as_bytes().to_vec()), headers);
    for body in [
        "",
        "{",
        "{\"amount\": -1}",
        "{\"amount\": 1.5}",
        "{\"amount\": 5, \"amonut\": 6}",
        "{\"amount\": 9007199254740993}",
    ] {
        put(body, &json_type).await.is_problem(400, "invalid_request");
    }
    put("{\"amount\": 1}", &[("content-type", "text/plain")]).await.is_problem(415, "unsupported_media_type");
    put(&" ".repeat(70_000), &json_type).await.is_problem(413, "too_large");
    put("{\"amount\": 1}", &[("content-type", "application/json"), ("idempotency-key", "")])
        .await
        .is_problem(400, "invalid_request");
    sue.get("/auctions?limit=0", &[]).await.is_problem(400, "invalid_request");
    sue.get("/auctions?colour=red", &[]).await.is_problem(400, "invalid_request");
    sue.get("/nothing", &[]).await.is_problem(404, "unknown_route");
    sue.get("/auction/%ff", &[]).await.is_problem(404, "unknown_route");
    let wrong_method = sue.post(&format!("/auction/{auction}"), json!({}), &[]).await;
    wrong_method.is_problem(405, "wrong_method");
    assert_eq!(wrong_method.header("allow"), "GET,HEAD");
    let nobody = TestUser::nobody(url);
    nobody.bid(&auction, 10_000).await.is_problem(401, "caller_unknown");
    let guessable = [("idempotency-key", "1")];
    nobody.post("/users", json!({}), &guessable).await.is_problem(400, "invalid_request");
    let mut nonsense = TestUser::nobody(url);
    nonsense.id = Some("me".to_owned());
    nonsense.bid(&auction, 10_000).await.is_problem(401, "caller_unknown");
    sue.get(&format!("/user/{}", Uuid::new_v4()), &[]).await.is_problem(403, "not_your_account");
    nobody.get("/livez", &[]).await.is(200);
}

async fn the_list_pages_through_all_open_auctions(url: &str) {
    let sue = TestUser::new(url).await;
    let mut offered = Vec::new();
    for day in 1..=7 {
        offered.push(sue.offer(json!({"ends_at": format!("2098-01-{day:02}T00:00:00Z")})).await);
    }
    let listed = eventually("all are listed", || async {
        let mut listed: Vec<Value> = Vec::new();
        let mut next = Some("/auctions?limit=3".to_owned());
        while let Some(path) = next {
            let page = TestUser::nobody(url).get(&path, &[]).await;
            listed.extend(page.is(200).body["auctions"].as_array().unwrap().clone());
            next = page.body["next"].as_str().map(str::to_owned);
        }
        (listed.len() >= 7 && listed[6]["ends_at"] == "2098-01-07T00:00:00.000Z").then_some(listed)
    })
    .await;
    let first: Vec<&str> = listed[..7].iter().map(|line| line["id"].as_str().unwrap()).collect();
    assert_eq!(first, offered, "those that end first, first");
    let ends: Vec<&str> = listed.iter().map(|line| line["ends_at"].as_str().unwrap()).collect();
    assert!(ends.is_sorted());
}
