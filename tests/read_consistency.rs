//! Reads say how fresh they are, and can be asked to be at least as fresh as a write.

use crate::support::components::Roles;
use crate::support::eventually;
use crate::support::test_user::{Answer, TestUser};
use auction_local_servers::{LocalServerOptions, LocalServers};
use auction_wire::{PartitionCount, Positions};
use serde_json::json;
use std::time::{Duration, Instant};
use uuid::Uuid;

const TOKEN: &str = "consistency-token";

fn positions(answer: &Answer) -> Positions {
    Positions::from_token(answer.header(TOKEN), PartitionCount::new(8).unwrap()).unwrap()
}

#[tokio::test]
async fn a_client_reads_his_own_writes_and_is_told_when_he_cannot() {
    let directory = tempfile::tempdir().unwrap();
    let servers = LocalServers::start(LocalServerOptions::new(directory.path())).await.unwrap();
    let roles = Roles::start(&servers, 1);
    roles.ready().await;
    let (sue, ada) = (TestUser::new(&roles.url()).await, TestUser::new(&roles.url()).await);
    let auction = sue.offer(json!({})).await;
    what_was_written_is_read_at_once(&ada, &auction).await;
    a_handle_tells_it_too(&ada, &auction).await;
    a_token_is_carried_on_and_garbage_is_not_one(&ada, &auction).await;
    while_the_projector_stands_still(&roles, &ada, &auction).await;
    without_a_checkpoint_everything_is_stale(&roles, &servers, &ada, &auction).await;
    roles.verify(&servers);
    servers.stop().await.unwrap();
}

/// No looking again: the first answer has it.
async fn what_was_written_is_read_at_once(ada: &TestUser, auction: &str) {
    let (shown, own) = (format!("/auction/{auction}"), format!("/auction/{auction}/bids?by=me"));
    let all = format!("/user/{}/bids", ada.id.as_ref().unwrap());
    for n in 1..=30 {
        let bid = ada.bid(auction, 10_000 + n).await;
        let token = [(TOKEN, bid.is(201).header(TOKEN))];
        let version = ada.get(&shown, &token).await.is(200).body["version"].as_u64().unwrap();
        assert!(version >= bid.body["version"].as_u64().unwrap(), "{version}, {bid:?}");
        assert_eq!(ada.get(&own, &token).await.is(200).body["count"], json!(n));
        let all = ada.get(&all, &token).await;
        assert_eq!(all.is(200).body["auctions"][0]["your_bid"]["amount"], json!(10_000 + n));
        let refused = ada.bid(auction, 10_000 + n).await;
        assert!(positions(refused.is_problem(409, "not_above_your_latest")).cover(&positions(&bid)));
    }
    let latest = ada.get("/auctions?status=open&consistency=latest", &[("prefer", "wait=100")]).await;
    assert_eq!(latest.header("preference-applied"), "wait=5", "longest_read_wait_ms");
    assert_eq!(latest.is(200).body["auctions"][0]["highest"]["amount"], json!(10_030));
}

async fn a_handle_tells_it_too(ada: &TestUser, auction: &str) {
    let path = format!("/auction/{auction}/bid");
    let taken = ada.put(&path, json!({"amount": 11_000}), &[]).await;
    let monitor = taken.is(202).header("location").to_owned();
    assert_eq!(taken.header(TOKEN), "", "it is not decided");
    let done = eventually("the bid is decided", || async {
        let answer = ada.get(&monitor, &[]).await;
        (answer.status == 303).then_some(answer)
    })
    .await;
    let own = ada.get(done.header("location"), &[(TOKEN, done.header(TOKEN))]).await;
    assert_eq!(own.is(200).body["bids"][0]["amount"]["amount"], json!(11_000));
    let result = ada.get(&monitor, &[("prefer", "return=representation")]).await;
    assert_eq!(positions(result.is(200)), positions(&done));
}

async fn a_token_is_carried_on_and_garbage_is_not_one(ada: &TestUser, auction: &str) {
    let path = format!("/auction/{auction}");
    // What was read a moment ago may be one bid behind.
    let read = ada.get(&format!("{path}?consistency=latest"), &[]).await;
    let here = positions(read.is(200));
    let everywhere = positions(ada.get("/auctions?limit=1", &[]).await.is(200));
    assert!(everywhere.cover(&here) && everywhere != here, "an account lies elsewhere");
    let both = format!("{}, {}", here.to_token(), everywhere.to_token());
    let carried = positions(ada.get(&path, &[(TOKEN, &both)]).await.is(200));
    assert!(carried.cover(&everywhere), "what the answer does not tell of is passed on");
    let missing = ada.get(&format!("/auction/{}", Uuid::now_v7()), &[(TOKEN, &both)]).await;
    assert!(positions(missing.is_problem(404, "unknown_auction")).cover(&everywhere));
    for wrong in ["", "AQ==", "\"AQAB\"", "AQAA", "AQkB"] {
        ada.get(&path, &[(TOKEN, wrong)]).await.is_problem(400, "invalid_request");
    }
    ada.get(&format!("{path}?consistency=soon"), &[]).await.is_problem(400, "invalid_request");
    // What the store does not have will never be shown.
    let (partition, position) = here.iter().next().unwrap();
    let ahead = Positions::of(partition, position + 1_000_000).to_token();
    let ahead = ada.get(&path, &[(TOKEN, &ahead), ("prefer", "wait=1")]).await;
    ahead.is_problem(412, "token_ahead_of_store");
    assert_eq!(ahead.body["wanted"].as_u64(), ahead.body["stored"].as_u64().map(|stored| stored + 1_000_000));
}

async fn while_the_projector_stands_still(roles: &Roles, ada: &TestUser, auction: &str) {
    let path = format!("/auction/{auction}");
    let before = ada.get(&path, &[]).await;
    roles.signal("projector", "-STOP");
    let bid = ada.bid(auction, 12_000).await;
    let token = bid.is(201).header(TOKEN).to_owned();
    let began = Instant::now();
    let behind = ada.get(&path, &[(TOKEN, &token), ("prefer", "wait=1")]).await;
    assert_eq!(behind.is_problem(503, "projection_behind").header("retry-after"), "1");
    assert!((1..4).contains(&began.elapsed().as_secs()), "as long as he prefers to wait");
    let member = |name: &str| behind.body[name].as_u64().unwrap();
    assert_eq!(member("partition"), Uuid::parse_str(auction).unwrap().as_u64_pair().1 % 8);
    assert_eq!((member("behind"), member("wanted")), (1, member("shown") + 1));
    let latest = ada.get("/auctions?consistency=latest", &[("prefer", "wait=0")]).await;
    assert_eq!(latest.is_problem(503, "projection_behind").body["behind"], json!(1));
    let stale = ada.get(&format!("{path}?consistency=stale-ok"), &[(TOKEN, &token)]).await;
    assert_eq!(stale.is(200).body["version"], before.body["version"]);
    assert_eq!(positions(&stale), positions(&before), "it says what it shows");
    // Others are as fresh as they shall be, and are not held up.
    ada.get(&path, &[(TOKEN, before.header(TOKEN))]).await.is(200);
    let newer = [(TOKEN, token.as_str())];
    let waiting = ada.get(&path, &newer);
    let go_on = async {
        tokio::time::sleep(Duration::from_millis(300)).await; // long enough for it to wait
        roles.signal("projector", "-CONT");
    };
    let (shown, ()) = tokio::join!(waiting, go_on);
    assert_eq!(shown.is(200).body["version"], bid.body["version"]);
}

async fn without_a_checkpoint_everything_is_stale(
    roles: &Roles,
    servers: &LocalServers,
    ada: &TestUser,
    auction: &str,
) {
    let path = format!("/auction/{auction}");
    let bid = ada.bid(auction, 13_000).await;
    let token = bid.is(201).header(TOKEN).to_owned();
    ada.get(&path, &[(TOKEN, &token)]).await.is(200);
    roles.signal("projector", "-STOP");
    let redis = redis::Client::open(servers.redis_url()).unwrap();
    let mut redis = redis.get_multiplexed_async_connection().await.unwrap();
    let _: () = redis::cmd("FLUSHALL").query_async(&mut redis).await.unwrap();
    for asked in
        [path.clone(), format!("{path}?consistency=latest"), "/auctions?consistency=latest".to_owned()]
    {
        // What was read a moment ago is fresh enough, for a moment.
        let stale = eventually("what was kept is not used any more", || async {
            let read = ada.get(&asked, &[(TOKEN, &token), ("prefer", "wait=0")]).await;
            (read.status != 200).then_some(read)
        })
        .await;
        stale.is_problem(503, "projection_behind");
        assert_eq!(stale.body["shown"], json!(0));
    }
    let gone = ada.get(&format!("{path}?consistency=stale-ok"), &[(TOKEN, &token)]).await;
    assert!(positions(gone.is_problem(404, "unknown_auction")).is_empty(), "nothing is known of it");
    roles.signal("projector", "-CONT");
    let shown = eventually("the views are back", || async {
        let shown = ada.get(&path, &[(TOKEN, &token)]).await;
        (shown.status == 200).then_some(shown)
    })
    .await;
    assert_eq!(shown.body["version"], bid.body["version"]);
}
