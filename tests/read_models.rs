//! What users read of auctions: who has bid what, which bids are their own, how they stand in each auction,
//! and what is open, closed and cancelled.

use crate::support::test_user::TestUser;
use crate::support::{RunningPortal, eventually};
use serde_json::{Value, json};

/// What a path shows once that is so.
async fn once(person: &TestUser, path: &str, is_so: impl Fn(&Value) -> bool) -> Value {
    eventually(path, || async {
        let answer = person.get(path, &[]).await;
        (answer.status == 200 && is_so(&answer.body)).then_some(answer.body)
    })
    .await
}

fn ids(list: &Value) -> Vec<&str> {
    list["auctions"].as_array().unwrap().iter().map(|auction| auction["id"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn read_models() {
    let up = RunningPortal::start().await;
    let url = up.url("");
    let (sue, ada, bob) = (TestUser::new(&url).await, TestUser::new(&url).await, TestUser::new(&url).await);
    let nobody = TestUser::nobody(&url);
    let (won, open, other) =
        (sue.offer(json!({})).await, sue.offer(json!({})).await, sue.offer(json!({})).await);
    for (person, auction, amount) in [
        (&ada, &won, 20_000),
        (&bob, &won, 30_000),
        (&ada, &won, 40_000),
        (&bob, &open, 10_000),
        (&ada, &open, 20_000),
        (&ada, &other, 10_000),
    ] {
        person.bid(auction, amount).await.is(201);
    }
    all_bids_are_shown_and_ones_own_are_marked(&ada, &nobody, &won).await;
    sue.post(&format!("/auction/{won}/end"), json!({}), &[("prefer", "wait=30")]).await.is(200);
    sue.post(&format!("/auction/{other}/cancel"), json!({}), &[("prefer", "wait=30")]).await.is(200);

    let mine = |person: &TestUser| format!("/user/{}/bids", person.id.as_ref().unwrap());
    let is = |body: &Value, standings: &[&str]| {
        let auctions = body["auctions"].as_array().unwrap().iter();
        auctions.map(|auction| auction["standing"].as_str().unwrap()).eq(standings.iter().copied())
    };
    let shown = once(&ada, &mine(&ada), |body| is(body, &["cancelled", "winning", "won"])).await;
    let line = &shown["auctions"][2];
    assert_eq!((line["your_bids"].clone(), line["your_bid"]["amount"].clone()), (json!(2), json!(40_000)));
    assert_eq!(
        (line["auction"]["id"].clone(), line["auction"]["status"].clone()),
        (json!(won), json!("closed"))
    );
    once(&bob, &mine(&bob), |body| is(body, &["outbid", "lost"])).await;
    let page = ada.get(&format!("{}?limit=2", mine(&ada)), &[]).await;
    assert!(is(&page.body, &["cancelled", "winning"]), "{page:?}");
    let page = ada.get(&page.text("next"), &[]).await;
    assert!(is(&page.body, &["won"]) && page.body.get("next").is_none(), "{page:?}");
    bob.get(&mine(&ada), &[]).await.is_problem(403, "not_your_account");
    nobody.get(&mine(&ada), &[]).await.is_problem(401, "caller_unknown");

    // Each auction stands in one list.
    for (status, auction) in [("open", &open), ("closed", &won), ("cancelled", &other)] {
        let list = once(&nobody, &format!("/auctions?status={status}"), |body| ids(body) == [auction]).await;
        assert_eq!(list["auctions"][0]["status"], status);
    }
    let list = nobody.get("/auctions", &[]).await;
    assert_eq!(ids(&list.body), [&open], "open ones if nobody says which");
    nobody.get("/auctions?status=lost", &[]).await.is_problem(400, "invalid_request");
    up.verify();
}

async fn all_bids_are_shown_and_ones_own_are_marked(ada: &TestUser, nobody: &TestUser, auction: &str) {
    let path = format!("/auction/{auction}/bids");
    let shown = once(ada, &path, |body| body["count"] == 3).await;
    let bids = shown["bids"].as_array().unwrap();
    let amounts: Vec<u64> = bids.iter().map(|bid| bid["amount"]["amount"].as_u64().unwrap()).collect();
    assert_eq!(amounts, [40_000, 30_000, 20_000], "the newest first");
    let marked: Vec<bool> = bids.iter().map(|bid| bid["yours"] == true).collect();
    assert_eq!(marked, [true, false, true]);
    assert_eq!(bids[0]["bidder"], bids[2]["bidder"]);
    assert_ne!(bids[0]["bidder"], bids[1]["bidder"]);
    assert!(!shown.to_string().contains(ada.id.as_ref().unwrap()), "no user's id is shown");
    let seen = nobody.get(&path, &[]).await;
    assert!(!seen.is(200).body.to_string().contains("yours"), "nothing is nobody's own");
    let page = nobody.get(&format!("{path}?limit=2"), &[]).await;
    assert_eq!(page.body["bids"].as_array().unwrap().len(), 2);
    let page = nobody.get(&page.text("next"), &[]).await;
    assert_eq!(page.body["bids"][0]["amount"]["amount"], 20_000);
    assert!(page.body.get("next").is_none());
    let own = ada.get(&format!("{path}?by=me&limit=1"), &[]).await;
    assert_eq!(
        (own.body["count"].clone(), own.body["bids"][0]["amount"]["amount"].clone()),
        (json!(2), json!(40_000))
    );
    let own = ada.get(&own.text("next"), &[]).await;
    assert_eq!(own.body["bids"][0]["amount"]["amount"], 20_000);
    nobody.get(&format!("{path}?by=me"), &[]).await.is_problem(401, "caller_unknown");
    nobody.get(&format!("{path}?by=you"), &[]).await.is_problem(400, "invalid_request");
    let time = nobody.get(&format!("/auction/{auction}"), &[]).await;
    assert!(time.header("server-time") > "2026-01-01T00:00:00.000Z", "{time:?}");
    let none = uuid::Uuid::new_v4();
    nobody.get(&format!("/auction/{none}/bids"), &[]).await.is_problem(404, "unknown_auction");
}
