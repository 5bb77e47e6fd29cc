//! Reads report how fresh they are, and can require to be at least as fresh as a write.

use crate::support::components::RunningComponents;
use crate::support::eventually;
use crate::support::servers::TestServers;
use crate::support::test_user::{HttpResponse, TestUser};
use auction_wire::{PartitionCount, Positions};
use serde_json::json;
use std::time::Instant;
use uuid::Uuid;

const TOKEN: &str = "consistency-token";

fn positions(response: &HttpResponse) -> Positions {
    Positions::from_token(response.header(TOKEN), PartitionCount::new(8).unwrap()).unwrap()
}

#[tokio::test]
async fn reads_include_own_writes_or_report_the_lag() {
    let servers = TestServers::start().await;
    let components = RunningComponents::start(&servers, 1).await;
    let (sue, ada) = (TestUser::new(&components.url()).await, TestUser::new(&components.url()).await);
    let auction = sue.create_auction(json!({})).await;
    for _ in 0..8 {
        TestUser::new(&components.url()).await; // in other partitions
    }
    own_write_is_read_without_retry(&ada, &auction).await;
    command_status_returns_a_token(&ada, &auction).await;
    tokens_are_merged_and_invalid_ones_refused(&ada, &auction).await;
    lag_is_reported_while_the_projector_is_paused(&components, &ada, &auction).await;
    reads_are_stale_without_a_checkpoint(&components, &servers, &ada, &auction).await;
    servers.verify();
}

/// Asserts that the first read with the token of a write includes the write.
async fn own_write_is_read_without_retry(ada: &TestUser, auction: &str) {
    let (path, own) = (format!("/auction/{auction}"), format!("/auction/{auction}/bids?by=me"));
    let all = format!("/user/{}/bids", ada.id.as_ref().unwrap());
    for n in 1..=30 {
        let bid = ada.bid(auction, 10_000 + n).await;
        let token = [(TOKEN, bid.assert_status(201).header(TOKEN))];
        let version = ada.get(&path, &token).await.assert_status(200).body["version"].as_u64().unwrap();
        assert!(version >= bid.body["version"].as_u64().unwrap(), "{version}, {bid:?}");
        assert_eq!(ada.get(&own, &token).await.assert_status(200).body["count"], json!(n));
        let all = ada.get(&all, &token).await;
        assert_eq!(all.assert_status(200).body["auctions"][0]["your_bid"]["amount"], json!(10_000 + n));
        let refused = ada.bid(auction, 10_000 + n).await;
        assert!(positions(refused.assert_problem(409, "not_above_your_latest")).cover(&positions(&bid)));
    }
    let latest = ada.get("/auctions?status=open&consistency=latest", &[("prefer", "wait=100")]).await;
    assert_eq!(latest.header("preference-applied"), "wait=5", "ingress.max_read_wait_ms");
    assert_eq!(latest.assert_status(200).body["auctions"][0]["highest"]["amount"], json!(10_030));
}

async fn command_status_returns_a_token(ada: &TestUser, auction: &str) {
    let path = format!("/auction/{auction}/bid");
    let accepted = ada.put(&path, json!({"amount": 11_000}), &[]).await;
    let status = accepted.assert_status(202).header("location").to_owned();
    assert_eq!(accepted.header(TOKEN), "", "an undecided command has no token");
    let done = eventually("the bid is decided", || async {
        let response = ada.get(&status, &[]).await;
        (response.status == 303).then_some(response)
    })
    .await;
    let own = ada.get(done.header("location"), &[(TOKEN, done.header(TOKEN))]).await;
    assert_eq!(own.assert_status(200).body["bids"][0]["amount"]["amount"], json!(11_000));
    let result = ada.get(&status, &[("prefer", "return=representation")]).await;
    assert_eq!(positions(result.assert_status(200)), positions(&done));
}

async fn tokens_are_merged_and_invalid_ones_refused(ada: &TestUser, auction: &str) {
    let path = format!("/auction/{auction}");
    // A cached read may lag by one bid.
    let read = ada.get(&format!("{path}?consistency=latest"), &[]).await;
    let of_auction = positions(read.assert_status(200));
    let of_all = positions(ada.get("/auctions?limit=1&consistency=latest", &[]).await.assert_status(200));
    assert!(of_all.cover(&of_auction) && of_all != of_auction, "users are in other partitions");
    let both = format!("{}, {}", of_auction.to_token(), of_all.to_token());
    let merged = positions(ada.get(&path, &[(TOKEN, &both)]).await.assert_status(200));
    assert!(merged.cover(&of_all), "positions of other partitions are passed on");
    let missing = ada.get(&format!("/auction/{}", Uuid::now_v7()), &[(TOKEN, &both)]).await;
    assert!(positions(missing.assert_problem(404, "unknown_auction")).cover(&of_all));
    for wrong in ["", "AQ==", "\"AQAB\"", "AQAA", "AQkB"] {
        ada.get(&path, &[(TOKEN, wrong)]).await.assert_problem(400, "invalid_request");
    }
    ada.get(&format!("{path}?consistency=soon"), &[]).await.assert_problem(400, "invalid_request");
    // A position that the store does not have is never reached.
    let (partition, position) = of_auction.iter().next().unwrap();
    let ahead = Positions::of(partition, position + 1_000_000).to_token();
    let ahead = ada.get(&path, &[(TOKEN, &ahead), ("prefer", "wait=1")]).await;
    ahead.assert_problem(412, "token_ahead_of_store");
    assert_eq!(
        ahead.body["required"].as_u64(),
        ahead.body["stored"].as_u64().map(|stored| stored + 1_000_000)
    );
}

async fn lag_is_reported_while_the_projector_is_paused(
    components: &RunningComponents,
    ada: &TestUser,
    auction: &str,
) {
    let path = format!("/auction/{auction}");
    let before = ada.get(&path, &[]).await;
    components.signal_component("projector", "-STOP");
    let bid = ada.bid(auction, 12_000).await;
    let token = bid.assert_status(201).header(TOKEN).to_owned();
    let began = Instant::now();
    let lagging = ada.get(&path, &[(TOKEN, &token), ("prefer", "wait=1")]).await;
    assert_eq!(lagging.assert_problem(503, "read_model_behind").header("retry-after"), "1");
    assert!((1..4).contains(&began.elapsed().as_secs()), "the read waits as long as preferred");
    let member = |name: &str| lagging.body[name].as_u64().unwrap();
    assert_eq!(member("partition"), Uuid::parse_str(auction).unwrap().as_u64_pair().1 % 8);
    assert_eq!((member("lag"), member("required")), (1, member("available") + 1));
    let latest = ada.get("/auctions?consistency=latest", &[("prefer", "wait=0")]).await;
    assert_eq!(latest.assert_problem(503, "read_model_behind").body["lag"], json!(1));
    let stale = ada.get(&format!("{path}?consistency=stale-ok"), &[(TOKEN, &token)]).await;
    assert_eq!(stale.assert_status(200).body["version"], before.body["version"]);
    assert_eq!(positions(&stale), positions(&before), "a stale read reports its own positions");
    // Reads that require less are not delayed.
    ada.get(&path, &[(TOKEN, before.header(TOKEN))]).await.assert_status(200);
    let (newer, shorter) = ([(TOKEN, token.as_str())], [(TOKEN, token.as_str()), ("prefer", "wait=1")]);
    let waiting = ada.get(&path, &newer);
    let resume = async {
        // A read that was sent later and waits for a shorter time has ended: the longer one waits.
        ada.get(&path, &shorter).await.assert_problem(503, "read_model_behind");
        components.signal_component("projector", "-CONT");
    };
    let (shown, ()) = tokio::join!(waiting, resume);
    assert_eq!(shown.assert_status(200).body["version"], bid.body["version"]);
}

async fn reads_are_stale_without_a_checkpoint(
    components: &RunningComponents,
    servers: &TestServers,
    ada: &TestUser,
    auction: &str,
) {
    let path = format!("/auction/{auction}");
    let bid = ada.bid(auction, 13_000).await;
    let token = bid.assert_status(201).header(TOKEN).to_owned();
    ada.get(&path, &[(TOKEN, &token)]).await.assert_status(200);
    components.signal_component("projector", "-STOP");
    let mut redis = servers.redis().await;
    let _: () = redis::cmd("FLUSHALL").query_async(&mut redis).await.unwrap();
    for path_and_query in
        [path.clone(), format!("{path}?consistency=latest"), "/auctions?consistency=latest".to_owned()]
    {
        // Cached read models are used until they expire.
        let stale = eventually("the cached read model expires", || async {
            let read = ada.get(&path_and_query, &[(TOKEN, &token), ("prefer", "wait=0")]).await;
            (read.status != 200).then_some(read)
        })
        .await;
        stale.assert_problem(503, "read_model_behind");
        assert_eq!(stale.body["available"], json!(0));
    }
    let missing = ada.get(&format!("{path}?consistency=stale-ok"), &[(TOKEN, &token)]).await;
    assert!(
        positions(missing.assert_problem(404, "unknown_auction")).is_empty(),
        "the response has no positions"
    );
    components.signal_component("projector", "-CONT");
    let shown = eventually("the read models are rebuilt", || async {
        let shown = ada.get(&path, &[(TOKEN, &token)]).await;
        (shown.status == 200).then_some(shown)
    })
    .await;
    assert_eq!(shown.body["version"], bid.body["version"]);
}
