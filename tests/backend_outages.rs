//! Backends become unavailable and recover, or lose all data, and components run twice. The portal recovers
//! without intervention and with correct results.

use crate::support::components::RunningComponents;
use crate::support::history::bundled_history;
use crate::support::test_user::TestUser;
use crate::support::{database, eventually, portal};
use auction_local_servers::{LocalServerOptions, LocalServers};
use serde_json::json;
use std::io::Write;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};
use uuid::Uuid;

async fn servers(directory: &tempfile::TempDir) -> LocalServers {
    LocalServers::start(LocalServerOptions::new(directory.path())).await.unwrap()
}

fn start_replay(components: &RunningComponents) -> Child {
    let mut replay = portal();
    replay
        .args(["--url", &components.url(), "replay", "--json", "--concurrency", "2"])
        .arg(bundled_history().file);
    replay.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

async fn finish(replay: Child) {
    let output = tokio::task::spawn_blocking(|| replay.wait_with_output().unwrap()).await.unwrap();
    bundled_history().assert_summary(&output);
}

/// Waits until the store has at least this number of events.
async fn wait_for_events(servers: &LocalServers, at_least: i64) {
    let database = database(servers.database_url()).await;
    eventually("the replay has stored enough events", || async {
        let row = database.query_one("SELECT sum(head)::bigint FROM partitions", &[]).await.unwrap();
        (row.get::<_, i64>(0) >= at_least).then_some(())
    })
    .await;
}

#[tokio::test]
async fn replay_completes_when_redis_and_postgres_are_killed() {
    let directory = tempfile::tempdir().unwrap();
    let mut servers = servers(&directory).await;
    let components = RunningComponents::start(&servers, 1);
    components.wait_until_ready().await;
    let replay = start_replay(&components);
    wait_for_events(&servers, 60).await;
    servers.kill_redis().await;
    servers.start_redis().await.unwrap();
    wait_for_events(&servers, 110).await;
    servers.kill_postgres().await;
    servers.start_postgres().await.unwrap();
    finish(replay).await;
    components.verify(&servers);
    assert_eq!(components.terminate(), vec![Some(0); 6]);
    servers.stop().await.unwrap();
}

#[tokio::test]
async fn redis_is_restored_from_postgres_after_losing_all_data() {
    let directory = tempfile::tempdir().unwrap();
    let servers = servers(&directory).await;
    let components = RunningComponents::start(&servers, 1);
    components.wait_until_ready().await;
    finish(start_replay(&components)).await;
    let client = redis::Client::open(servers.redis_url()).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let _: () = redis::cmd("FLUSHALL").query_async(&mut connection).await.unwrap();
    eventually("portal verify succeeds", || async {
        let mut verify = portal();
        verify
            .arg("verify")
            .env("REDIS_URL", servers.redis_url())
            .env("DATABASE_URL", servers.database_url());
        verify.output().unwrap().status.success().then_some(())
    })
    .await;
    let began = Instant::now();
    let (sue, ada) = (TestUser::new(&components.url()).await, TestUser::new(&components.url()).await);
    ada.bid(&sue.create_auction(json!({})).await, 10_000).await.assert_status(201);
    assert!(began.elapsed() < Duration::from_secs(15), "waiting requests are answered without delay");
    components.verify(&servers);
    servers.stop().await.unwrap();
}

#[tokio::test]
async fn commands_are_accepted_while_postgres_is_unavailable() {
    let directory = tempfile::tempdir().unwrap();
    let mut servers = servers(&directory).await;
    let components = RunningComponents::start(&servers, 1);
    components.wait_until_ready().await;
    let (sue, ada) = (TestUser::new(&components.url()).await, TestUser::new(&components.url()).await);
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
    components.verify(&servers);
    servers.stop().await.unwrap();
}

#[tokio::test]
async fn commands_are_refused_while_redis_is_unavailable() {
    let directory = tempfile::tempdir().unwrap();
    let mut servers = servers(&directory).await;
    let components = RunningComponents::start(&servers, 1);
    components.wait_until_ready().await;
    let (sue, ada) = (TestUser::new(&components.url()).await, TestUser::new(&components.url()).await);
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
    let ready = TestUser::anonymous(&components.url()).get("/readyz", &[]).await;
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
    components.verify(&servers);
    servers.stop().await.unwrap();
}

#[tokio::test]
async fn reads_report_their_age_while_the_projector_is_paused() {
    let directory = tempfile::tempdir().unwrap();
    let servers = servers(&directory).await;
    let components = RunningComponents::start(&servers, 1);
    components.wait_until_ready().await;
    let (sue, ada) = (TestUser::new(&components.url()).await, TestUser::new(&components.url()).await);
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
    components.verify(&servers);
    servers.stop().await.unwrap();
}

#[tokio::test]
async fn waiting_request_is_answered_when_the_ingress_stops() {
    let directory = tempfile::tempdir().unwrap();
    let servers = servers(&directory).await;
    let mut components = RunningComponents::start(&servers, 1);
    components.wait_until_ready().await;
    let (sue, ada) = (TestUser::new(&components.url()).await, TestUser::new(&components.url()).await);
    let auction = sue.create_auction(json!({})).await;
    // Commands are not decided, and one client never completes its request.
    components.signal_component("writer", "-STOP");
    let address = components.url().replace("http://", "");
    let mut incomplete = std::net::TcpStream::connect(address).unwrap();
    incomplete.write_all(b"GET /livez HTTP/1.1\r\nHost: x\r\n").unwrap();
    let redis = redis::Client::open(servers.redis_url()).unwrap();
    let redis = redis.get_multiplexed_async_connection().await.unwrap();
    let stream = format!("ap:{{{:02}}}:cmd:bid", Uuid::parse_str(&auction).unwrap().as_u64_pair().1 % 8);
    let waiting = tokio::spawn(async move { (ada.bid(&auction, 10_000).await, ada) });
    eventually("the bid is on its stream", || {
        let (mut redis, stream) = (redis.clone(), stream.clone());
        async move {
            let length: u64 = redis::cmd("XLEN").arg(stream).query_async(&mut redis).await.unwrap();
            (length == 1).then_some(())
        }
    })
    .await;
    let began = Instant::now();
    components.signal_component("ingress", "-TERM");
    let (response, _) = waiting.await.unwrap();
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
    components.verify(&servers);
    servers.stop().await.unwrap();
}

#[tokio::test]
async fn replay_is_correct_with_two_processes_per_component() {
    let directory = tempfile::tempdir().unwrap();
    let servers = servers(&directory).await;
    let components = RunningComponents::start(&servers, 2);
    components.wait_until_ready().await;
    finish(start_replay(&components)).await;
    components.verify(&servers);
    assert_eq!(components.terminate(), vec![Some(0); 11]);
    servers.stop().await.unwrap();
}
