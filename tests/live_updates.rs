//! Who listens to an auction is told every event of it in order, whatever breaks meanwhile.

use crate::support::components::Roles;
use crate::support::eventually;
use crate::support::sse_connection::SseConnection;
use crate::support::test_user::TestUser;
use auction_local_servers::{LocalServerOptions, LocalServers};
use serde_json::json;

/// Bids once, however often he has to ask: a connection may have broken.
async fn bid_after_all(bidder: &TestUser, auction: &str, amount: u64) {
    let headers = [("idempotency-key", "after-all"), ("prefer", "wait=30")];
    eventually("the bid is placed", || async {
        let bid = bidder.put(&format!("/auction/{auction}/bid"), json!({"amount": amount}), &headers).await;
        (bid.status == 201).then_some(())
    })
    .await;
}

#[tokio::test]
async fn every_event_comes_in_order_and_says_how_the_auction_stands() {
    let directory = tempfile::tempdir().unwrap();
    let mut servers = LocalServers::start(LocalServerOptions::new(directory.path())).await.unwrap();
    let mut roles = Roles::none(&servers, &[]);
    let writer = roles.add("writer");
    for role in ["projector", "ingress"] {
        roles.add(role);
    }
    roles.ready().await;
    let (sue, ada) = (TestUser::new(&roles.url()).await, TestUser::new(&roles.url()).await);
    let auction = sue.offer(json!({})).await;
    let url = ada.url(&format!("/auction/{auction}/live"));

    let mut line = SseConnection::open(&url, &[]).await;
    let first = line.next().await.unwrap();
    assert_eq!(
        (first.name.as_str(), first.id.as_str(), &first.data["status"]),
        ("auction", "1", &json!("open"))
    );
    for n in 1..=3 {
        ada.bid(&auction, 10_000 + n).await.is(201);
    }
    let (versions, last) = line.up_to(4).await;
    assert_eq!(versions, [2, 3, 4]);
    let bid = last.data["events"].as_array().unwrap().last().unwrap();
    assert_eq!((&bid["kind"], &bid["bids"][0]["amount"]["amount"]), (&json!("bid_placed"), &json!(10_003)));
    assert_eq!(last.data["auction"]["highest"]["amount"], 10_003);
    assert_eq!((&last.data["version"], &last.data["auction"]["version"]), (&json!(4), &json!(4)));
    assert!(!last.data.to_string().contains(ada.id.as_ref().unwrap()), "bidders are shown by an alias");

    let mut came_back = SseConnection::open(&url, &[("last-event-id", "2")]).await;
    assert_eq!(came_back.up_to(4).await.0, [3, 4]);
    let mut has_read_it = SseConnection::open(&format!("{url}?after=4"), &[]).await;

    // Redis is killed, and a writer: the lines stay.
    servers.kill_redis().await;
    servers.start_redis().await.unwrap();
    roles.end(writer, "-KILL");
    roles.add("writer");
    bid_after_all(&ada, &auction, 10_004).await;
    for line in [&mut line, &mut came_back, &mut has_read_it] {
        assert_eq!(line.up_to(5).await.0, [5]);
    }

    sue.post(&format!("/auction/{auction}/end"), json!({}), &[("prefer", "wait=30")]).await.is(200);
    roles.add("auctioneer");
    let (versions, end) = line.up_to(7).await;
    assert_eq!(versions, [6, 7]);
    let won = end.data["events"].as_array().unwrap().last().unwrap();
    assert_eq!(
        (&won["kind"], &won["winner"]["pays"]["amount"]),
        (&json!("winner_announced"), &json!(10_004))
    );
    assert_eq!(end.data["auction"]["status"], "closed");

    // Who stops says when to come again, and whoever listens is not waited for.
    roles.signal("ingress", "-TERM");
    assert!(line.next().await.is_none());
    assert!(line.retry.is_some_and(|retry| retry >= 500), "{:?}", line.retry);
    assert_eq!(roles.exit_code("ingress"), Some(0));
    servers.stop().await.unwrap();
}

#[tokio::test]
async fn who_cannot_listen_is_told_why() {
    let directory = tempfile::tempdir().unwrap();
    let servers = LocalServers::start(LocalServerOptions::new(directory.path())).await.unwrap();
    let mut roles = Roles::none(&servers, &[("AUCTION__INGRESS__LIVE_LISTENERS", "1")]);
    for role in ["writer", "ingress"] {
        roles.add(role);
    }
    roles.ready().await;
    let sue = TestUser::new(&roles.url()).await;
    let path = format!("/auction/{}/live", sue.offer(json!({})).await);
    let unknown = format!("/auction/{}/live", sue.id.as_ref().unwrap());
    sue.get(&unknown, &[]).await.is_problem(404, "unknown_auction");
    sue.get(&path, &[("last-event-id", "n1")]).await.is_problem(400, "invalid_request");
    sue.get(&format!("{path}?behind=1"), &[]).await.is_problem(400, "invalid_request");
    let _line = SseConnection::open(&sue.url(&path), &[]).await;
    let full = sue.get(&path, &[]).await;
    assert_eq!(full.is_problem(503, "too_many_listeners").header("retry-after"), "5");
    servers.stop().await.unwrap();
}

#[tokio::test]
async fn a_user_hears_what_he_is_told_and_what_he_missed() {
    let directory = tempfile::tempdir().unwrap();
    let mut servers = LocalServers::start(LocalServerOptions::new(directory.path())).await.unwrap();
    let mut roles = Roles::none(&servers, &[("AUCTION__NOTIFIER__INTERVAL_MS", "0")]);
    for role in ["writer", "notifier", "ingress"] {
        roles.add(role);
    }
    roles.ready().await;
    let (sue, ada) = (TestUser::new(&roles.url()).await, TestUser::new(&roles.url()).await);
    let bob = TestUser::new(&roles.url()).await;
    let auction = sue.offer(json!({})).await;
    let (url, me) = (ada.url("/notifications/live"), ("x-user-id", ada.id.as_deref().unwrap()));
    let mut line = SseConnection::open(&url, &[me]).await;
    let first = line.next().await.unwrap();
    assert_eq!((first.name.as_str(), &first.data["unread"]), ("inbox", &json!(0)));
    ada.bid(&auction, 10_000).await.is(201);
    bob.bid(&auction, 20_000).await.is(201);
    let outbid = line.next().await.unwrap();
    assert_eq!((outbid.name.as_str(), &outbid.data["kind"]), ("notification", &json!("highest_bid")));
    assert_eq!((&outbid.data["standing"], &outbid.data["cursor"]), (&json!("outbid"), &json!(outbid.id)));

    // The connection on which it is announced breaks, and so does that on which it is read.
    servers.kill_redis().await;
    servers.start_redis().await.unwrap();
    bid_after_all(&bob, &auction, 30_000).await;
    let behind = line.next().await.unwrap();
    assert_eq!(behind.data["standing"], "behind");
    let mut came_back = SseConnection::open(&url, &[me, ("last-event-id", &outbid.id)]).await;
    assert_eq!(came_back.next().await.unwrap().id, behind.id);
    ada.get("/notifications/live", &[("last-event-id", "7")]).await.is_problem(400, "invalid_request");
    let mut ahead = SseConnection::open(&format!("{url}?after=nfff"), &[me]).await;
    let reset = ahead.next().await.unwrap();
    assert_eq!((reset.name.as_str(), &reset.data["cursor"]), ("reset", &json!(behind.id)));

    roles.signal("ingress", "-TERM");
    assert!(line.next().await.is_none());
    assert_eq!(roles.exit_code("ingress"), Some(0));
    servers.stop().await.unwrap();
}
