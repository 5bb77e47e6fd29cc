//! An ingress takes no more than can be decided soon, says so, and takes commands again by itself. What it took is
//! decided; also when it is told to stop in the middle of it.

use crate::support::components::Roles;
use crate::support::eventually;
use crate::support::test_user::TestUser;
use auction_local_servers::{LocalServerOptions, LocalServers};
use serde_json::json;
use std::time::Duration;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::task::JoinSet;

async fn servers(directory: &tempfile::TempDir) -> LocalServers {
    LocalServers::start(LocalServerOptions::new(directory.path())).await.unwrap()
}

/// What became of a command, when it is decided.
async fn decided(somebody: &TestUser, monitor: &str) -> String {
    let shown = eventually("it is decided", || async {
        let prefer = [("prefer", "wait=10, return=representation")];
        let shown = somebody.get(monitor, &prefer).await;
        (shown.status != 503 && shown.body["status"] != "pending").then_some(shown)
    })
    .await;
    shown.is(200).text("status")
}

#[tokio::test]
async fn without_postgres_commands_are_taken_up_to_the_limit_and_all_of_them_are_decided() {
    let directory = tempfile::tempdir().unwrap();
    let mut servers = servers(&directory).await;
    let mut roles = Roles::none(&servers, &[("AUCTION__INGRESS__MOST_UNDECIDED", "30")]);
    for role in ["writer", "projector", "ingress"] {
        roles.add(role);
    }
    roles.ready().await;
    let sue = TestUser::new(&roles.url()).await;
    let auction = sue.offer(json!({})).await;
    let shown = format!("/auction/{auction}");
    eventually("it is shown", || async { (sue.get(&shown, &[]).await.status == 200).then_some(()) }).await;

    servers.kill_postgres().await;
    let mut taken = Vec::new();
    let refused = loop {
        let answer = sue.post("/users", json!({}), &[]).await;
        if answer.status != 202 {
            break answer;
        }
        taken.push(answer.header("location").to_owned());
        // Somebody looks every half a second.
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert!(taken.len() < 1000, "nobody looks at the load");
    };
    refused.is_problem(503, "overloaded");
    assert_eq!((refused.header("retry-after"), refused.body["at_most"].as_u64()), ("5", Some(30)));
    assert!(refused.body["undecided"].as_u64() >= Some(30) && taken.len() >= 30, "{refused:?}");
    sue.get(&shown, &[]).await.is(200);

    servers.start_postgres().await.unwrap();
    eventually("commands are taken again", || async {
        (sue.post("/users", json!({}), &[]).await.status == 202).then_some(())
    })
    .await;
    for monitor in &taken {
        assert_eq!(decided(&sue, monitor).await, "done");
    }
    servers.stop().await.unwrap();
}

#[tokio::test]
async fn new_commands_are_refused_before_redis_is_full() {
    let directory = tempfile::tempdir().unwrap();
    let servers = servers(&directory).await;
    let mut roles = Roles::none(&servers, &[("AUCTION__INGRESS__MOST_REDIS_MEMORY_PERCENT", "60")]);
    for role in ["writer", "ingress"] {
        roles.add(role);
    }
    roles.ready().await;
    let nobody = TestUser::nobody(&roles.url());
    nobody.post("/users", json!({}), &[("prefer", "wait=30")]).await.is(201);
    let redis = redis::Client::open(servers.redis_url()).unwrap();
    let mut redis = redis.get_multiplexed_async_connection().await.unwrap();
    let info: String = redis::cmd("INFO").arg("memory").query_async(&mut redis).await.unwrap();
    let used: u64 =
        info.lines().find_map(|line| line.strip_prefix("used_memory:")).unwrap().trim().parse().unwrap();
    let mut limit = async |bytes: u64| {
        let mut set = redis::cmd("CONFIG");
        let set = set.arg("SET").arg("maxmemory").arg(bytes);
        set.query_async::<()>(&mut redis).await.unwrap();
    };
    // Redis itself would still take it.
    limit(used * 4 / 3).await;
    let refused = eventually("commands are refused", || async {
        let answer = nobody.post("/users", json!({}), &[]).await;
        (answer.status != 202).then_some(answer)
    })
    .await;
    refused.is_problem(503, "overloaded");
    limit(used * 4).await;
    eventually("commands are taken again", || async {
        (nobody.post("/users", json!({}), &[]).await.status == 202).then_some(())
    })
    .await;
    servers.stop().await.unwrap();
}

#[tokio::test]
async fn an_ingress_that_stops_is_not_ready_first_and_loses_nothing_that_it_took() {
    let directory = tempfile::tempdir().unwrap();
    let servers = servers(&directory).await;
    let mut roles = Roles::none(&servers, &[]);
    let writer = roles.add("writer");
    let stopping = roles.add_with("ingress", &[("AUCTION__INGRESS__GRACE_SECONDS", "4")]);
    roles.ready().await;
    let nobody = TestUser::nobody(&roles.url());
    roles.signal_one(writer, "-STOP");
    let waits = TestUser::nobody(&roles.url());
    let waits = tokio::spawn(async move { waits.post("/users", json!({}), &[("prefer", "wait=30")]).await });

    roles.signal_one(stopping, "-TERM");
    eventually("it is not ready any more", || async {
        let ready = nobody.get("/readyz", &[]).await;
        (ready.status == 503 && ready.body["draining"] == json!(true)).then_some(())
    })
    .await;
    // Whoever has not noticed yet is served.
    let mut taken = vec![nobody.post("/users", json!({}), &[]).await.is(202).header("location").to_owned()];
    taken.push(waits.await.unwrap().is(202).header("location").to_owned());
    assert_eq!(roles.exit_code("ingress"), Some(0));

    roles.signal_one(writer, "-CONT");
    roles.add("ingress");
    roles.ready().await;
    for monitor in &taken {
        assert_eq!(decided(&nobody, monitor).await, "done");
    }
    servers.stop().await.unwrap();
}

/// Sends bids as fast as they are taken until the ingress has gone; tells where to ask for what was taken.
async fn bids_until_it_has_gone(url: String, user: String, auction: String, taken: UnboundedSender<String>) {
    let client = reqwest::Client::new();
    for amount in 10_000.. {
        let bid = client.put(format!("{url}/auction/{auction}/bid")).header("x-user-id", &user);
        // Without an answer nothing was promised.
        let Ok(answer) = bid.json(&json!({ "amount": amount })).send().await else { return };
        assert_eq!(answer.status(), 202);
        taken.send(answer.headers()["location"].to_str().unwrap().to_owned()).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_answered_with_202_is_decided_after_a_stop_in_the_middle_of_it() {
    let directory = tempfile::tempdir().unwrap();
    let servers = servers(&directory).await;
    let mut roles = Roles::none(&servers, &[]);
    for role in ["writer", "ingress"] {
        roles.add(role);
    }
    roles.ready().await;
    let sue = TestUser::new(&roles.url()).await;
    let auction = sue.offer(json!({})).await;
    let (tell, mut told) = unbounded_channel();
    let mut bidders = JoinSet::new();
    for _ in 0..8 {
        let user = TestUser::new(&roles.url()).await.id.unwrap();
        bidders.spawn(bids_until_it_has_gone(roles.url(), user, auction.clone(), tell.clone()));
    }
    drop(tell);
    let mut taken = Vec::new();
    while taken.len() < 300 {
        taken.push(told.recv().await.unwrap());
    }
    roles.signal("ingress", "-TERM");
    assert_eq!(roles.ended("ingress").await, Some(0));
    bidders.join_all().await;
    while let Some(monitor) = told.recv().await {
        taken.push(monitor);
    }
    roles.add("ingress");
    roles.ready().await;
    for monitor in &taken {
        assert_eq!(decided(&sue, monitor).await, "done");
    }
    servers.stop().await.unwrap();
}
