//! Subscribers of an auction receive every event of it in order, also when backends and writers are killed.
//! Users receive their notifications live.

use crate::support::components::RunningComponents;
use crate::support::eventually;
use crate::support::servers::TestServers;
use crate::support::sse_connection::SseConnection;
use crate::support::test_user::TestUser;
use serde_json::json;

/// Places a bid once, and repeats the request until it is accepted: a broken connection can make it fail.
async fn bid_with_retries(bidder: &TestUser, auction: &str, amount: u64) {
    let headers = [("idempotency-key", "bid-with-retries"), ("prefer", "wait=30")];
    eventually("the bid is placed", || async {
        let bid = bidder.put(&format!("/auction/{auction}/bid"), json!({"amount": amount}), &headers).await;
        (bid.status == 201).then_some(())
    })
    .await;
}

#[tokio::test]
async fn live_streams_survive_kills_and_end_with_the_ingress() {
    let mut servers = TestServers::start().await;
    let mut components = RunningComponents::new(&servers, &[("AUCTION__NOTIFIER__INTERVAL_MS", "0")]);
    components.add_all(["writer", "projector", "notifier", "ingress"]);
    components.wait_until_ready().await;
    let mut auction = live_updates_deliver_every_event_in_order(&mut servers, &mut components).await;
    let mut inbox = live_notifications_include_missed_ones_after_reconnect(&mut servers, &components).await;

    // A stopping ingress sends a reconnection time and does not wait for its subscribers.
    components.signal_component("ingress", "-TERM");
    assert!(auction.next().await.is_none() && inbox.next().await.is_none());
    assert!(auction.retry.is_some_and(|retry| retry >= 500), "{:?}", auction.retry);
    assert_eq!(components.wait_for_exit("ingress").await, Some(0));
}

async fn live_updates_deliver_every_event_in_order(
    servers: &mut TestServers,
    components: &mut RunningComponents,
) -> SseConnection {
    let (sue, ada) = (TestUser::new(&components.url()).await, TestUser::new(&components.url()).await);
    let auction = sue.create_auction(json!({})).await;
    let url = ada.url(&format!("/auction/{auction}/live"));

    let mut live = SseConnection::open(&url, &[]).await;
    let first = live.next().await.unwrap();
    assert_eq!(
        (first.name.as_str(), first.id.as_str(), &first.data["status"]),
        ("auction", "1", &json!("open"))
    );
    for n in 1..=3 {
        ada.bid(&auction, 10_000 + n).await.assert_status(201);
    }
    let (versions, last) = live.read_through(4).await;
    assert_eq!(versions, [2, 3, 4]);
    let bid = last.data["events"].as_array().unwrap().last().unwrap();
    assert_eq!((&bid["kind"], &bid["bids"][0]["amount"]["amount"]), (&json!("bid_placed"), &json!(10_003)));
    assert_eq!(last.data["auction"]["highest"]["amount"], 10_003);
    assert_eq!((&last.data["version"], &last.data["auction"]["version"]), (&json!(4), &json!(4)));
    assert!(!last.data.to_string().contains(ada.id.as_ref().unwrap()), "bidders are identified by an alias");

    let mut reconnected = SseConnection::open(&url, &[("last-event-id", "2")]).await;
    assert_eq!(reconnected.read_through(4).await.0, [3, 4]);
    let mut reader = SseConnection::open(&format!("{url}?after=4"), &[]).await;

    // Redis and a writer are killed; the connections stay open.
    servers.kill_redis().await;
    servers.start_redis().await.unwrap();
    components.stop_process(components.pids("writer")[0], "-KILL");
    components.add("writer");
    bid_with_retries(&ada, &auction, 10_004).await;
    for live in [&mut live, &mut reconnected, &mut reader] {
        assert_eq!(live.read_through(5).await.0, [5]);
    }

    sue.post(&format!("/auction/{auction}/end"), json!({}), &[("prefer", "wait=30")])
        .await
        .assert_status(200);
    components.add("auctioneer");
    let (versions, end) = live.read_through(7).await;
    assert_eq!(versions, [6, 7]);
    let won = end.data["events"].as_array().unwrap().last().unwrap();
    assert_eq!(
        (&won["kind"], &won["winner"]["price"]["amount"]),
        (&json!("winner_announced"), &json!(10_004))
    );
    assert_eq!(end.data["auction"]["status"], "closed");
    live
}

#[tokio::test]
async fn live_updates_explain_refused_subscriptions() {
    let servers = TestServers::start().await;
    let mut components = RunningComponents::new(&servers, &[("AUCTION__INGRESS__MAX_LIVE_SUBSCRIBERS", "1")]);
    components.add_all(["writer", "ingress"]);
    components.wait_until_ready().await;
    let sue = TestUser::new(&components.url()).await;
    let path = format!("/auction/{}/live", sue.create_auction(json!({})).await);
    let unknown = format!("/auction/{}/live", sue.id.as_ref().unwrap());
    sue.get(&unknown, &[]).await.assert_problem(404, "unknown_auction");
    sue.get(&path, &[("last-event-id", "n1")]).await.assert_problem(400, "invalid_request");
    sue.get(&format!("{path}?unknown=1"), &[]).await.assert_problem(400, "invalid_request");
    let _live = SseConnection::open(&sue.url(&path), &[]).await;
    let full = sue.get(&path, &[]).await;
    assert_eq!(full.assert_problem(503, "too_many_listeners").header("retry-after"), "5");
}

async fn live_notifications_include_missed_ones_after_reconnect(
    servers: &mut TestServers,
    components: &RunningComponents,
) -> SseConnection {
    let (sue, ada) = (TestUser::new(&components.url()).await, TestUser::new(&components.url()).await);
    let bob = TestUser::new(&components.url()).await;
    let auction = sue.create_auction(json!({})).await;
    let (url, me) = (ada.url("/notifications/live"), ("x-user-id", ada.id.as_deref().unwrap()));
    let mut live = SseConnection::open(&url, &[me]).await;
    let first = live.next().await.unwrap();
    assert_eq!((first.name.as_str(), &first.data["unread"]), ("inbox", &json!(0)));
    ada.bid(&auction, 10_000).await.assert_status(201);
    bob.bid(&auction, 20_000).await.assert_status(201);
    let outbid = live.next().await.unwrap();
    assert_eq!((outbid.name.as_str(), &outbid.data["kind"]), ("notification", &json!("highest_bid")));
    assert_eq!((&outbid.data["standing"], &outbid.data["cursor"]), (&json!("outbid"), &json!(outbid.id)));

    // The Redis connections for announcements and for reads of notifications break.
    servers.kill_redis().await;
    servers.start_redis().await.unwrap();
    bid_with_retries(&bob, &auction, 30_000).await;
    let missed = live.next().await.unwrap();
    assert_eq!(missed.data["standing"], "behind");
    let mut reconnected = SseConnection::open(&url, &[me, ("last-event-id", &outbid.id)]).await;
    assert_eq!(reconnected.next().await.unwrap().id, missed.id);
    ada.get("/notifications/live", &[("last-event-id", "7")]).await.assert_problem(400, "invalid_request");
    let mut ahead = SseConnection::open(&format!("{url}?after=nfff"), &[me]).await;
    let reset = ahead.next().await.unwrap();
    assert_eq!((reset.name.as_str(), &reset.data["cursor"]), ("reset", &json!(missed.id)));
    live
}
