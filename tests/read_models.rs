//! Read models of auctions: bids of an auction, bids and status of a user, and lists of open, closed and
//! cancelled auctions.

use crate::support::test_user::TestUser;
use crate::support::{RunningPortal, eventually};
use serde_json::{Value, json};

/// Reads a path until its body satisfies a predicate, and returns the body.
async fn read_until(user: &TestUser, path: &str, matches: impl Fn(&Value) -> bool) -> Value {
    eventually(path, || async {
        let response = user.get(path, &[]).await;
        (response.status == 200 && matches(&response.body)).then_some(response.body)
    })
    .await
}

fn ids(list: &Value) -> Vec<&str> {
    list["auctions"].as_array().unwrap().iter().map(|auction| auction["id"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn read_models_show_bids_standings_and_lists() {
    let up = RunningPortal::start().await;
    let url = up.url("");
    let (sue, ada, bob) = (TestUser::new(&url).await, TestUser::new(&url).await, TestUser::new(&url).await);
    let anonymous = TestUser::anonymous(&url);
    let (won, open, other) = (
        sue.create_auction(json!({})).await,
        sue.create_auction(json!({})).await,
        sue.create_auction(json!({})).await,
    );
    for (user, auction, amount) in [
        (&ada, &won, 20_000),
        (&bob, &won, 30_000),
        (&ada, &won, 40_000),
        (&bob, &open, 10_000),
        (&ada, &open, 20_000),
        (&ada, &other, 10_000),
    ] {
        user.bid(auction, amount).await.assert_status(201);
    }
    bid_list_marks_the_callers_bids(&ada, &anonymous, &won).await;
    sue.post(&format!("/auction/{won}/end"), json!({}), &[("prefer", "wait=30")]).await.assert_status(200);
    sue.post(&format!("/auction/{other}/cancel"), json!({}), &[("prefer", "wait=30")])
        .await
        .assert_status(200);

    let mine = |user: &TestUser| format!("/user/{}/bids", user.id.as_ref().unwrap());
    let has_standings = |body: &Value, standings: &[&str]| {
        let auctions = body["auctions"].as_array().unwrap().iter();
        auctions.map(|auction| auction["standing"].as_str().unwrap()).eq(standings.iter().copied())
    };
    let shown =
        read_until(&ada, &mine(&ada), |body| has_standings(body, &["cancelled", "winning", "won"])).await;
    let won_auction = &shown["auctions"][2];
    assert_eq!(
        (won_auction["your_bids"].clone(), won_auction["your_bid"]["amount"].clone()),
        (json!(2), json!(40_000))
    );
    assert_eq!(
        (won_auction["auction"]["id"].clone(), won_auction["auction"]["status"].clone()),
        (json!(won), json!("closed"))
    );
    read_until(&bob, &mine(&bob), |body| has_standings(body, &["outbid", "lost"])).await;
    let page = ada.get(&format!("{}?limit=2", mine(&ada)), &[]).await;
    assert!(has_standings(&page.body, &["cancelled", "winning"]), "{page:?}");
    let page = ada.get(&page.text("next"), &[]).await;
    assert!(has_standings(&page.body, &["won"]) && page.body.get("next").is_none(), "{page:?}");
    bob.get(&mine(&ada), &[]).await.assert_problem(403, "not_your_account");
    anonymous.get(&mine(&ada), &[]).await.assert_problem(401, "authentication_required");

    // Each auction is in one list.
    for (status, auction) in [("open", &open), ("closed", &won), ("cancelled", &other)] {
        let list =
            read_until(&anonymous, &format!("/auctions?status={status}"), |body| ids(body) == [auction])
                .await;
        assert_eq!(list["auctions"][0]["status"], status);
    }
    let list = anonymous.get("/auctions", &[]).await;
    assert_eq!(ids(&list.body), [&open], "open auctions are the default");
    anonymous.get("/auctions?status=lost", &[]).await.assert_problem(400, "invalid_request");
    up.verify();
}

async fn bid_list_marks_the_callers_bids(ada: &TestUser, anonymous: &TestUser, auction: &str) {
    let path = format!("/auction/{auction}/bids");
    let shown = read_until(ada, &path, |body| body["count"] == 3).await;
    let bids = shown["bids"].as_array().unwrap();
    let amounts: Vec<u64> = bids.iter().map(|bid| bid["amount"]["amount"].as_u64().unwrap()).collect();
    assert_eq!(amounts, [40_000, 30_000, 20_000], "the newest first");
    let marked: Vec<bool> = bids.iter().map(|bid| bid["yours"] == true).collect();
    assert_eq!(marked, [true, false, true]);
    assert_eq!(bids[0]["bidder"], bids[2]["bidder"]);
    assert_ne!(bids[0]["bidder"], bids[1]["bidder"]);
    assert!(!shown.to_string().contains(ada.id.as_ref().unwrap()), "user ids are not visible");
    let public = anonymous.get(&path, &[]).await;
    assert!(
        !public.assert_status(200).body.to_string().contains("yours"),
        "anonymous callers have no own bids"
    );
    let page = anonymous.get(&format!("{path}?limit=2"), &[]).await;
    assert_eq!(page.body["bids"].as_array().unwrap().len(), 2);
    let page = anonymous.get(&page.text("next"), &[]).await;
    assert_eq!(page.body["bids"][0]["amount"]["amount"], 20_000);
    assert!(page.body.get("next").is_none());
    let own = ada.get(&format!("{path}?by=me&limit=1"), &[]).await;
    assert_eq!(
        (own.body["count"].clone(), own.body["bids"][0]["amount"]["amount"].clone()),
        (json!(2), json!(40_000))
    );
    let own = ada.get(&own.text("next"), &[]).await;
    assert_eq!(own.body["bids"][0]["amount"]["amount"], 20_000);
    anonymous.get(&format!("{path}?by=me"), &[]).await.assert_problem(401, "authentication_required");
    anonymous.get(&format!("{path}?by=you"), &[]).await.assert_problem(400, "invalid_request");
    let time = anonymous.get(&format!("/auction/{auction}"), &[]).await;
    assert!(time.header("server-time") > "2026-01-01T00:00:00.000Z", "{time:?}");
    let none = uuid::Uuid::new_v4();
    anonymous.get(&format!("/auction/{none}/bids"), &[]).await.assert_problem(404, "unknown_auction");
}
