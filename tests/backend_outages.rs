//! A server goes away and comes back, loses all it had, or two processes do the work of one: nobody has
//! to do anything, and everything is as if nothing had been.

use crate::support::components::Roles;
use crate::support::history::shipped;
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

fn start_replay(roles: &Roles) -> Child {
    let mut replay = portal();
    replay.args(["--url", &roles.url(), "replay", "--json", "--parallel", "2"]).arg(shipped().file);
    replay.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

async fn finish(replay: Child) {
    let output = tokio::task::spawn_blocking(|| replay.wait_with_output().unwrap()).await.unwrap();
    shipped().check(&output);
}

/// Waits until there are so many events.
async fn events(servers: &LocalServers, at_least: i64) {
    let database = database(servers.database_url()).await;
    eventually("the replay goes on", || async {
        let row = database.query_one("SELECT sum(head)::bigint FROM partitions", &[]).await.unwrap();
        (row.get::<_, i64>(0) >= at_least).then_some(())
    })
    .await;
}

#[tokio::test]
async fn redis_and_postgres_killed_in_the_middle_cost_nothing_but_time() {
    let directory = tempfile::tempdir().unwrap();
    let mut servers = servers(&directory).await;
    let roles = Roles::start(&servers, 1);
    roles.ready().await;
    let replay = start_replay(&roles);
    events(&servers, 60).await;
    servers.kill_redis().await;
    servers.start_redis().await.unwrap();
    events(&servers, 110).await;
    servers.kill_postgres().await;
    servers.start_postgres().await.unwrap();
    finish(replay).await;
    roles.verify(&servers);
    assert_eq!(roles.terminate(), vec![Some(0); 6]);
    servers.stop().await.unwrap();
}

#[tokio::test]
async fn a_redis_that_lost_everything_is_filled_from_postgres() {
    let directory = tempfile::tempdir().unwrap();
    let servers = servers(&directory).await;
    let roles = Roles::start(&servers, 1);
    roles.ready().await;
    finish(start_replay(&roles)).await;
    let client = redis::Client::open(servers.redis_url()).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let _: () = redis::cmd("FLUSHALL").query_async(&mut connection).await.unwrap();
    eventually("the streams are back", || async {
        let mut verify = portal();
        verify
            .arg("verify")
            .env("REDIS_URL", servers.redis_url())
            .env("DATABASE_URL", servers.database_url());
        verify.output().unwrap().status.success().then_some(())
    })
    .await;
    let began = Instant::now();
    let (sue, ada) = (TestUser::new(&roles.url()).await, TestUser::new(&roles.url()).await);
    ada.bid(&sue.offer(json!({})).await, 10_000).await.is(201);
    assert!(began.elapsed() < Duration::from_secs(15), "whoever waits is answered again");
    roles.verify(&servers);
    servers.stop().await.unwrap();
}

#[tokio::test]
async fn without_postgres_commands_are_taken_and_decided_later() {
    let directory = tempfile::tempdir().unwrap();
    let mut servers = servers(&directory).await;
    let roles = Roles::start(&servers, 1);
    roles.ready().await;
    let (sue, ada) = (TestUser::new(&roles.url()).await, TestUser::new(&roles.url()).await);
    let auction = sue.offer(json!({})).await;
    let shown = format!("/auction/{auction}");
    eventually("the auction is shown", || async { (ada.get(&shown, &[]).await.status == 200).then_some(()) })
        .await;

    servers.kill_postgres().await;
    let path = format!("/auction/{auction}/bid");
    let taken = ada.put(&path, json!({"amount": 10_000}), &[("prefer", "wait=1")]).await;
    let monitor = taken.is(202).header("location").to_owned();
    ada.get(&monitor, &[]).await.is_problem(503, "temporarily_unavailable");
    eventually("reads go on and say that they grow old", || async {
        let read = ada.get(&shown, &[]).await;
        (read.is(200).header("age").parse::<u64>().unwrap() >= 2).then_some(())
    })
    .await;
    ada.get("/auctions", &[]).await.is(200);
    ada.get("/readyz", &[]).await.is(200);

    servers.start_postgres().await.unwrap();
    let decided = eventually("the bid is decided", || async {
        let answer = ada.get(&monitor, &[("prefer", "return=representation")]).await;
        (answer.body["status"] == "done").then_some(answer)
    })
    .await;
    assert_eq!(decided.body["leads"], json!(true));
    roles.verify(&servers);
    servers.stop().await.unwrap();
}

#[tokio::test]
async fn without_redis_commands_are_refused_for_now() {
    let directory = tempfile::tempdir().unwrap();
    let mut servers = servers(&directory).await;
    let roles = Roles::start(&servers, 1);
    roles.ready().await;
    let (sue, ada) = (TestUser::new(&roles.url()).await, TestUser::new(&roles.url()).await);
    let auction = sue.offer(json!({})).await;
    let first = ada.bid(&auction, 9900).await;
    let (path, token) =
        (format!("/auction/{auction}"), [("consistency-token", first.is(201).header("consistency-token"))]);
    let before = ada.get(&path, &token).await;
    servers.kill_redis().await;
    // One auction is told from the store, whatever is asked of it.
    let told = ada.get(&path, &token).await;
    assert_eq!((&told.is(200).body, told.header("etag")), (&before.is(200).body, before.header("etag")));
    assert_eq!(told.header("age"), "0");
    ada.get(&format!("{path}?consistency=latest"), &[]).await.is(200);
    ada.get(&format!("/auction/{}", Uuid::now_v7()), &[]).await.is_problem(404, "unknown_auction");
    for list in ["/auctions".to_owned(), format!("{path}/bids")] {
        assert_eq!(
            ada.get(&list, &[]).await.is_problem(503, "temporarily_unavailable").header("retry-after"),
            "1"
        );
    }
    let refused = ada.bid(&auction, 10_000).await;
    refused.is_problem(503, "temporarily_unavailable");
    assert_eq!(refused.header("retry-after"), "1");
    let ready = TestUser::nobody(&roles.url()).get("/readyz", &[]).await;
    assert_eq!(ready.is(200).body["parts"]["redis"]["condition"], "waits", "something can be served");
    servers.start_redis().await.unwrap();
    eventually("bids are taken again", || async {
        (ada.bid(&auction, 10_000).await.status == 201).then_some(())
    })
    .await;
    roles.verify(&servers);
    servers.stop().await.unwrap();
}

#[tokio::test]
async fn without_a_projector_reads_go_on_and_say_how_old_they_are() {
    let directory = tempfile::tempdir().unwrap();
    let servers = servers(&directory).await;
    let roles = Roles::start(&servers, 1);
    roles.ready().await;
    let (sue, ada) = (TestUser::new(&roles.url()).await, TestUser::new(&roles.url()).await);
    let auction = sue.offer(json!({})).await;
    let path = format!("/auction/{auction}");
    let fresh = ada.get(&format!("{path}?consistency=latest"), &[]).await;
    assert!(fresh.is(200).header("age").parse::<u64>().is_ok_and(|age| age <= 2), "{fresh:?}");
    roles.signal("projector", "-STOP");
    ada.bid(&auction, 10_000).await.is(201);
    let old = eventually("it grows old", || async {
        let read = ada.get(&path, &[]).await;
        (read.is(200).header("age").parse::<u64>().unwrap() >= 3).then_some(read)
    })
    .await;
    assert_eq!(old.body["version"], json!(1));
    roles.signal("projector", "-CONT");
    eventually("it is fresh again", || async {
        let read = ada.get(&path, &[]).await;
        (read.header("age") == "0" && read.body["version"] == json!(2)).then_some(())
    })
    .await;
    roles.verify(&servers);
    servers.stop().await.unwrap();
}

#[tokio::test]
async fn whoever_waits_is_answered_when_the_ingress_stops() {
    let directory = tempfile::tempdir().unwrap();
    let servers = servers(&directory).await;
    let mut roles = Roles::start(&servers, 1);
    roles.ready().await;
    let (sue, ada) = (TestUser::new(&roles.url()).await, TestUser::new(&roles.url()).await);
    let auction = sue.offer(json!({})).await;
    // Nobody decides for now, and somebody never finishes his request.
    roles.signal("writer", "-STOP");
    let address = roles.url().replace("http://", "");
    let mut half = std::net::TcpStream::connect(address).unwrap();
    half.write_all(b"GET /livez HTTP/1.1\r\nHost: x\r\n").unwrap();
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
    roles.signal("ingress", "-TERM");
    let (answer, _) = waiting.await.unwrap();
    assert_eq!(answer.is(202).header("location"), format!("/command/{}", answer.text("command")));
    assert_eq!(roles.exit_code("ingress"), Some(0), "half a request does not hold it up");
    assert!(began.elapsed() < Duration::from_secs(20));
    roles.signal("writer", "-CONT");
    roles.verify(&servers);
    servers.stop().await.unwrap();
}

#[tokio::test]
async fn two_of_each_role_at_once_do_no_harm() {
    let directory = tempfile::tempdir().unwrap();
    let servers = servers(&directory).await;
    let roles = Roles::start(&servers, 2);
    roles.ready().await;
    finish(start_replay(&roles)).await;
    roles.verify(&servers);
    assert_eq!(roles.terminate(), vec![Some(0); 11]);
    servers.stop().await.unwrap();
}
