//! Users are told what they want to know, once.

use crate::support::test_user::{Answer, TestUser};
use crate::support::{RunningPortal, eventually, text};
use serde_json::{Value, json};
use uuid::Uuid;

#[tokio::test]
async fn what_a_user_is_told_is_his_choice() {
    let up = RunningPortal::start().await;
    let ada = TestUser::new(&up.url("")).await;
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
    let mut stranger = TestUser::nobody(&up.url(""));
    stranger.get("/subscriptions", &[]).await.is_problem(401, "caller_unknown");
    stranger.id = Some(Uuid::new_v4().to_string());
    stranger.get("/subscriptions", &[]).await.is_problem(404, "unknown_user");
    stranger.put("/subscriptions", json!({}), &wait).await.is_problem(404, "unknown_user");
    let shown =
        up.client(&["subscriptions", "--as", ada.id.as_ref().unwrap(), "--bid-doubled", "off"]).output();
    assert_eq!(text(&shown.unwrap()).lines().nth(3), Some("bid_doubled  off"));
    up.verify();
}

/// Looks again until the last notification is of that kind, and says that; returns them all.
async fn told(person: &TestUser, kind: &str, what: &str) -> Value {
    eventually("he is told", || async {
        let answer = person.get("/notifications", &[]).await;
        let last = answer.is(200).body["notifications"].as_array().unwrap().last()?.clone();
        (last["kind"] == kind && last.to_string().contains(what)).then_some(answer.body)
    })
    .await
}

#[tokio::test]
async fn notifications_are_read_page_by_page_and_survive_the_loss_of_redis() {
    let up = RunningPortal::start().await;
    let url = up.url("");
    let (sue, ada, bob) = (TestUser::new(&url).await, TestUser::new(&url).await, TestUser::new(&url).await);
    let nothing = ada.get("/notifications", &[]).await;
    assert_eq!(nothing.is(200).body, json!({"notifications": [], "unread": 0, "cursor": "n0"}));
    let auction = sue.offer(json!({})).await;
    ada.bid(&auction, 10_000).await.is(201);
    bob.bid(&auction, 20_000).await.is(201);
    told(&ada, "highest_bid", "outbid").await;
    ada.bid(&auction, 30_000).await.is(201);
    told(&bob, "highest_bid", "outbid").await;
    sue.post(&format!("/auction/{auction}/end"), json!({}), &[]).await.is(202);
    let all = told(&ada, "auction_won", "\"pays\":{\"amount\":30000,\"currency\":\"USD\"}").await;
    assert_eq!((all["notifications"].as_array().unwrap().len(), all["unread"].clone()), (2, json!(2)));

    let first = ada.get("/notifications?limit=1", &[]).await;
    let next = first.is(200).text("next");
    assert_eq!(first.header("link"), format!("<{next}>; rel=\"next\""));
    let second = ada.get(&next, &[]).await;
    assert_eq!(second.is(200).body["notifications"][0], all["notifications"][1]);
    assert!(second.body.get("next").is_none(), "{second:?}");
    assert_eq!((second.text("cursor"), all["cursor"].clone()), ("n2".to_owned(), json!("n2")));
    ada.get("/notifications?after=2", &[]).await.is_problem(400, "invalid_request");

    let read = async |up_to: &str| ada.put("/notifications/read", json!({"up_to": up_to}), &[]).await;
    assert_eq!(read("n1").await.is(200).body, json!({"up_to": "n1", "unread": 1}));
    assert_eq!(read("nff").await.is(200).body, json!({"up_to": "n2", "unread": 0}), "not what is to come");
    assert_eq!(read("n1").await.is(200).body, json!({"up_to": "n2", "unread": 0}), "not less than before");
    read("x").await.is_problem(400, "invalid_request");

    let before: Answer = ada.get("/notifications", &[]).await;
    let client = redis::Client::open(up.server("redis_url")).unwrap();
    let mut redis = client.get_multiplexed_async_connection().await.unwrap();
    let _: () = redis::cmd("FLUSHALL").query_async(&mut redis).await.unwrap();
    assert_eq!(ada.get("/notifications", &[]).await.is(200).body, before.body);
    let again = sue.offer(json!({})).await;
    for (person, amount) in [(&ada, 10_000), (&bob, 20_000)] {
        eventually("bids are taken again", || async {
            (person.bid(&again, amount).await.status == 201).then_some(())
        })
        .await;
    }
    let after = told(&ada, "highest_bid", "outbid").await;
    assert_eq!((after["notifications"].as_array().unwrap().len(), after["unread"].clone()), (3, json!(1)));
    let shown = up.client(&["notifications", "--as", ada.id.as_ref().unwrap(), "--mark-read"]).output();
    let shown = text(&shown.unwrap());
    for said in ["you were outbid, the highest is 200.00 USD", "you won, and owe 300.00 USD", "0 not read"] {
        assert!(shown.contains(said), "{shown}");
    }
    up.verify();
}
