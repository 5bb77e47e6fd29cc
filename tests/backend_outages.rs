//! Backends become unavailable and recover, or lose all data, and processes are paused or stopped. The portal
//! recovers without intervention and with correct results.

use crate::support::components::RunningComponents;
use crate::support::eventually;
use crate::support::servers::TestServers;
use crate::support::test_user::TestUser;
use serde_json::json;
use std::io::Write;
use std::time::{Duration, Instant};
use uuid::Uuid;

#[tokio::test]
async fn portal_recovers_from_outages_by_itself() {
    // One portal: each case begins when it has recovered from the one before.
    let mut servers = TestServers::start().await;
    let mut components = RunningComponents::start(&servers, 1).await;
    let (sue, ada) = (TestUser::new(&components.url()).await, TestUser::new(&components.url()).await);
    commands_are_accepted_while_postgres_is_unavailable(&mut servers, &sue, &ada).await;
    servers.verify();
    commands_are_refused_while_redis_is_unavailable(&mut servers, &sue, &ada).await;
    servers.verify();
    reads_report_their_age_while_the_projector_is_paused(&components, &sue, &ada).await;
    servers.verify();
    redis_is_restored_from_postgres_after_losing_all_data(&servers, &sue, &ada).await;
    servers.verify();
    waiting_request_is_answered_when_the_ingress_stops(&mut components, &servers, &sue, &ada).await;
    servers.verify();
}

async fn redis_is_restored_from_postgres_after_losing_all_data(
    servers: &TestServers,
    sue: &TestUser,
    ada: &TestUser,
) {
    let _: () = redis::cmd("FLUSHALL").query_async(&mut servers.redis().await).await.unwrap();
    eventually("portal verify succeeds", || async {
        servers.portal(&["verify"]).output().unwrap().status.success().then_some(())
    })
    .await;
    let began = Instant::now();
    ada.bid(&sue.create_auction(json!({})).await, 10_000).await.assert_status(201);
    assert!(began.elapsed() < Duration::from_secs(15), "waiting requests are answered without delay");
}

async fn commands_are_accepted_while_postgres_is_unavailable(
    servers: &mut TestServers,
    sue: &TestUser,
    ada: &TestUser,
) {
    let auction = sue.create_auction(json!({})).await;
    let shown = format!("/auction/{auction}");
    eventually("the auction is readable", || async {
        (ada.get(&shown, &[]).await.status == 200).then_some(())
    })
    .await;

    servers.kill_postgres().await;
    let path = format!("/auction/{auction}/bid");
    let accepted = ada.put(&path, json!({"amount": 10_000}), &[("prefer", "wait=1")]).await;
    let status = accepted.assert_status(202).header("location").to_owned();
    ada.get(&status, &[]).await.assert_problem(503, "temporarily_unavailable");
    eventually("reads continue and their age grows", || async {
        let read = ada.get(&shown, &[]).await;
        (read.assert_status(200).header("age").parse::<u64>().unwrap() >= 2).then_some(())
    })
    .await;
    ada.get("/auctions", &[]).await.assert_status(200);
    ada.get("/readyz", &[]).await.assert_status(200);

    servers.start_postgres().await.unwrap();
    let decided = eventually("the bid is decided", || async {
        let response = ada.get(&status, &[("prefer", "return=representation")]).await;
        (response.body["status"] == "done").then_some(response)
    })
    .await;
    assert_eq!(decided.body["leads"], json!(true));
}

async fn commands_are_refused_while_redis_is_unavailable(
    servers: &mut TestServers,
    sue: &TestUser,
    ada: &TestUser,
) {
    let auction = sue.create_auction(json!({})).await;
    let first = ada.bid(&auction, 9900).await;
    let (path, token) = (
        format!("/auction/{auction}"),
        [("consistency-token", first.assert_status(201).header("consistency-token"))],
    );
    let before = ada.get(&path, &token).await;
    servers.kill_redis().await;
    // A single auction is read from Postgres at every consistency level.
    let from_store = ada.get(&path, &token).await;
    assert_eq!(
        (&from_store.assert_status(200).body, from_store.header("etag")),
        (&before.assert_status(200).body, before.header("etag"))
    );
    assert_eq!(from_store.header("age"), "0");
    ada.get(&format!("{path}?consistency=latest"), &[]).await.assert_status(200);
    ada.get(&format!("/auction/{}", Uuid::now_v7()), &[]).await.assert_problem(404, "unknown_auction");
    for list in ["/auctions".to_owned(), format!("{path}/bids")] {
        assert_eq!(
            ada.get(&list, &[]).await.assert_problem(503, "temporarily_unavailable").header("retry-after"),
            "1"
        );
    }
    let refused = ada.bid(&auction, 10_000).await;
    refused.assert_problem(503, "temporarily_unavailable");
    assert_eq!(refused.header("retry-after"), "1");
    let ready = ada.get("/readyz", &[]).await;
    assert_eq!(
        ready.assert_status(200).body["checks"]["redis"]["status"],
        "waiting",
        "some requests can be served"
    );
    servers.start_redis().await.unwrap();
    eventually("bids are accepted again", || async {
        (ada.bid(&auction, 10_000).await.status == 201).then_some(())
    })
    .await;
}

async fn reads_report_their_age_while_the_projector_is_paused(
    components: &RunningComponents,
    sue: &TestUser,
    ada: &TestUser,
) {
    let auction = sue.create_auction(json!({})).await;
    let path = format!("/auction/{auction}");
    let fresh = ada.get(&format!("{path}?consistency=latest"), &[]).await;
    assert!(fresh.assert_status(200).header("age").parse::<u64>().is_ok_and(|age| age <= 2), "{fresh:?}");
    components.signal_component("projector", "-STOP");
    ada.bid(&auction, 10_000).await.assert_status(201);
    let old = eventually("the age of reads grows", || async {
        let read = ada.get(&path, &[]).await;
        (read.assert_status(200).header("age").parse::<u64>().unwrap() >= 3).then_some(read)
    })
    .await;
    assert_eq!(old.body["version"], json!(1));
    components.signal_component("projector", "-CONT");
    eventually("reads are fresh again", || async {
        let read = ada.get(&path, &[]).await;
        (read.header("age") == "0" && read.body["version"] == json!(2)).then_some(())
    })
    .await;
}

async fn waiting_request_is_answered_when_the_ingress_stops(
    components: &mut RunningComponents,
    servers: &TestServers,
    sue: &TestUser,
    ada: &TestUser,
) {
    let auction = sue.create_auction(json!({})).await;
    // Commands are not decided, and one client never completes its request.
    components.signal_component("writer", "-STOP");
    let address = components.url().replace("http://", "");
    let mut incomplete = std::net::TcpStream::connect(address).unwrap();
    incomplete.write_all(b"GET /livez HTTP/1.1\r\nHost: x\r\n").unwrap();
    let redis = servers.redis().await;
    let stream = format!("ap:{{{:02}}}:cmd:bid", Uuid::parse_str(&auction).unwrap().as_u64_pair().1 % 8);
    let length =
        async || -> u64 { redis::cmd("XLEN").arg(&stream).query_async(&mut redis.clone()).await.unwrap() };
    let before = length().await;
    let stop = async {
        eventually("the bid is on its stream", async || (length().await > before).then_some(())).await;
        components.signal_component("ingress", "-TERM");
        Instant::now()
    };
    let (response, began) = tokio::join!(ada.bid(&auction, 10_000), stop);
    assert_eq!(
        response.assert_status(202).header("location"),
        format!("/command/{}", response.text("command"))
    );
    assert_eq!(
        components.wait_for_exit("ingress").await,
        Some(0),
        "an incomplete request does not block the shutdown"
    );
    assert!(began.elapsed() < Duration::from_secs(20));
    components.signal_component("writer", "-CONT");
}
