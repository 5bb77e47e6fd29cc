//! Users choose their notifications, read them page by page and mark them as read.

use crate::support::test_user::{HttpResponse, TestUser};
use crate::support::{RunningPortal, eventually, output_text};
use auction_domain::user::NotificationKind;
use serde_json::{Value, json};
use uuid::Uuid;

#[tokio::test]
async fn users_choose_and_read_their_notifications() {
    let up = RunningPortal::start().await;
    notification_preferences_apply_until_changed(&up).await;
    notifications_are_paged_and_survive_redis_data_loss(&up).await;
    up.verify();
}

async fn notification_preferences_apply_until_changed(up: &RunningPortal) {
    let ada = TestUser::new(&up.url("")).await;
    let all = NotificationKind::NAMES.iter().map(|name| ((*name).to_owned(), json!(true)));
    let mut all = Value::Object(all.collect());
    assert_eq!(
        ada.get("/subscriptions", &[]).await.assert_status(200).body,
        all.clone(),
        "all notifications are enabled by default"
    );
    let wait = [("prefer", "wait=30")];
    let chosen = ada.put("/subscriptions", json!({"highest_bid": false}), &wait).await;
    assert_eq!(chosen.assert_status(200).header("location"), "/subscriptions");
    assert_eq!(
        (chosen.text("kind"), chosen.body["version"].clone()),
        ("change_subscriptions".into(), json!(2))
    );
    all["highest_bid"] = json!(false);
    assert_eq!(ada.get("/subscriptions", &[]).await.assert_status(200).body, all);
    let again = ada.put("/subscriptions", json!({"highest_bid": false}), &wait).await;
    assert_eq!(again.assert_status(200).body["version"], json!(2), "the same preferences change nothing");
    ada.put("/subscriptions", json!({"winning": true}), &wait).await.assert_problem(400, "invalid_request");
    let mut unknown_user = TestUser::anonymous(&up.url(""));
    unknown_user.get("/subscriptions", &[]).await.assert_problem(401, "authentication_required");
    unknown_user.id = Some(Uuid::new_v4().to_string());
    unknown_user.get("/subscriptions", &[]).await.assert_problem(404, "unknown_user");
    unknown_user.put("/subscriptions", json!({}), &wait).await.assert_problem(404, "unknown_user");
    let args =
        ["subscriptions", "--as", ada.id.as_ref().unwrap(), "--on", "highest_bid", "--off", "bid_doubled"];
    let shown = output_text(&up.client(&args).output().unwrap());
    for line in ["auction_won on", "highest_bid on", "bid_doubled off", "auction_cancelled on"] {
        let words = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        assert!(shown.lines().any(|shown| words(shown) == words(line)), "{shown}");
    }
}

/// Waits until the last notification has this kind and contains this text, and returns the whole list.
async fn wait_for_notification(user: &TestUser, kind: &str, text: &str) -> Value {
    eventually("the notification is readable", || async {
        let response = user.get("/notifications", &[]).await;
        let last = response.assert_status(200).body["notifications"].as_array().unwrap().last()?.clone();
        (last["kind"] == kind && last.to_string().contains(text)).then_some(response.body)
    })
    .await
}

async fn notifications_are_paged_and_survive_redis_data_loss(up: &RunningPortal) {
    let url = up.url("");
    let (sue, ada, bob) = (TestUser::new(&url).await, TestUser::new(&url).await, TestUser::new(&url).await);
    let nothing = ada.get("/notifications", &[]).await;
    assert_eq!(nothing.assert_status(200).body, json!({"notifications": [], "unread": 0, "cursor": "n0"}));
    let auction = sue.create_auction(json!({})).await;
    ada.bid(&auction, 10_000).await.assert_status(201);
    bob.bid(&auction, 20_000).await.assert_status(201);
    wait_for_notification(&ada, "highest_bid", "outbid").await;
    ada.bid(&auction, 30_000).await.assert_status(201);
    wait_for_notification(&bob, "highest_bid", "outbid").await;
    sue.post(&format!("/auction/{auction}/end"), json!({}), &[]).await.assert_status(202);
    let all =
        wait_for_notification(&ada, "auction_won", "\"price\":{\"amount\":30000,\"currency\":\"USD\"}").await;
    assert_eq!((all["notifications"].as_array().unwrap().len(), all["unread"].clone()), (2, json!(2)));

    let first = ada.get("/notifications?limit=1", &[]).await;
    let next = first.assert_status(200).text("next");
    assert_eq!(first.header("link"), format!("<{next}>; rel=\"next\""));
    let second = ada.get(&next, &[]).await;
    assert_eq!(second.assert_status(200).body["notifications"][0], all["notifications"][1]);
    assert!(second.body.get("next").is_none(), "{second:?}");
    assert_eq!((second.text("cursor"), all["cursor"].clone()), ("n2".to_owned(), json!("n2")));
    ada.get("/notifications?after=2", &[]).await.assert_problem(400, "invalid_request");

    let read =
        async |cursor: &str| ada.put("/notifications/read", json!({"read_through": cursor}), &[]).await;
    assert_eq!(read("n1").await.assert_status(200).body, json!({"read_through": "n1", "unread": 1}));
    assert_eq!(
        read("nff").await.assert_status(200).body,
        json!({"read_through": "n2", "unread": 0}),
        "later notifications stay unread"
    );
    assert_eq!(
        read("n1").await.assert_status(200).body,
        json!({"read_through": "n2", "unread": 0}),
        "the read position does not move back"
    );
    read("x").await.assert_problem(400, "invalid_request");

    let before: HttpResponse = ada.get("/notifications", &[]).await;
    let client = redis::Client::open(up.backend_url("redis_url")).unwrap();
    let mut redis = client.get_multiplexed_async_connection().await.unwrap();
    let _: () = redis::cmd("FLUSHALL").query_async(&mut redis).await.unwrap();
    assert_eq!(ada.get("/notifications", &[]).await.assert_status(200).body, before.body);
    let again = sue.create_auction(json!({})).await;
    for (user, amount) in [(&ada, 10_000), (&bob, 20_000)] {
        eventually("bids are accepted again", || async {
            (user.bid(&again, amount).await.status == 201).then_some(())
        })
        .await;
    }
    let after = wait_for_notification(&ada, "highest_bid", "outbid").await;
    assert_eq!((after["notifications"].as_array().unwrap().len(), after["unread"].clone()), (3, json!(1)));
    sue.post(&format!("/auction/{again}/cancel"), json!({}), &[]).await.assert_status(202);
    wait_for_notification(
        &bob,
        "auction_cancelled",
        "\"counts_for\":{\"amount\":20000,\"currency\":\"USD\"}",
    )
    .await;
    let shown = up.client(&["notifications", "--as", ada.id.as_ref().unwrap(), "--mark-read"]).output();
    let shown = output_text(&shown.unwrap());
    for expected in ["you were outbid, the highest is 200.00 USD", "you won, and owe 300.00 USD", "0 unread"]
    {
        assert!(shown.contains(expected), "{shown}");
    }
}
