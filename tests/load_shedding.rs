//! An ingress refuses new commands while too many are undecided, and accepts them again later. Accepted
//! commands are decided, also when the ingress is stopped meanwhile.

use crate::support::components::RunningComponents;
use crate::support::eventually;
use crate::support::servers::TestServers;
use crate::support::test_user::TestUser;
use serde_json::json;
use std::time::Duration;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::task::JoinSet;

/// Waits until a command is decided, and returns its status.
async fn decided_status(user: &TestUser, status: &str) -> String {
    let response = eventually("the command is decided", || async {
        let prefer = [("prefer", "wait=10, return=representation")];
        let response = user.get(status, &prefer).await;
        (response.status != 503 && response.body["status"] != "pending").then_some(response)
    })
    .await;
    response.assert_status(200).text("status")
}

#[tokio::test]
async fn backlog_is_limited_and_decided_after_a_postgres_outage() {
    let mut servers = TestServers::start().await;
    let mut components = RunningComponents::new(&servers, &[("AUCTION__INGRESS__MAX_COMMAND_BACKLOG", "30")]);
    components.add_all(["writer", "projector", "ingress"]);
    components.wait_until_ready().await;
    let sue = TestUser::new(&components.url()).await;
    let auction = sue.create_auction(json!({})).await;
    let path = format!("/auction/{auction}");
    eventually("the auction is readable", || async {
        (sue.get(&path, &[]).await.status == 200).then_some(())
    })
    .await;

    servers.kill_postgres().await;
    let mut accepted = Vec::new();
    let refused = loop {
        let response = sue.post("/users", json!({}), &[]).await;
        if response.status != 202 {
            break response;
        }
        accepted.push(response.header("location").to_owned());
        // The load monitor samples twice per second.
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert!(accepted.len() < 1000, "the load monitor does not react");
    };
    refused.assert_problem(503, "overloaded");
    assert_eq!((refused.header("retry-after"), refused.body["limit"].as_u64()), ("5", Some(30)));
    assert!(refused.body["undecided"].as_u64() >= Some(30) && accepted.len() >= 30, "{refused:?}");
    sue.get(&path, &[]).await.assert_status(200);

    servers.start_postgres().await.unwrap();
    eventually("commands are accepted again", || async {
        (sue.post("/users", json!({}), &[]).await.status == 202).then_some(())
    })
    .await;
    for status in &accepted {
        assert_eq!(decided_status(&sue, status).await, "done");
    }
}

#[tokio::test]
async fn commands_are_refused_before_redis_is_full() {
    let servers = TestServers::start().await;
    let mut components =
        RunningComponents::new(&servers, &[("AUCTION__INGRESS__MAX_REDIS_MEMORY_PERCENT", "60")]);
    components.add_all(["writer", "ingress"]);
    components.wait_until_ready().await;
    let anonymous = TestUser::anonymous(&components.url());
    anonymous.post("/users", json!({}), &[("prefer", "wait=30")]).await.assert_status(201);
    let mut redis = servers.redis().await;
    let info: String = redis::cmd("INFO").arg("memory").query_async(&mut redis).await.unwrap();
    let used: u64 =
        info.lines().find_map(|line| line.strip_prefix("used_memory:")).unwrap().trim().parse().unwrap();
    let mut limit = async |bytes: u64| {
        let mut set = redis::cmd("CONFIG");
        let set = set.arg("SET").arg("maxmemory").arg(bytes);
        set.query_async::<()>(&mut redis).await.unwrap();
    };
    // Redis itself would still accept writes.
    limit(used * 4 / 3).await;
    let refused = eventually("commands are refused", || async {
        let response = anonymous.post("/users", json!({}), &[]).await;
        (response.status != 202).then_some(response)
    })
    .await;
    refused.assert_problem(503, "overloaded");
    limit(used * 4).await;
    eventually("commands are accepted again", || async {
        (anonymous.post("/users", json!({}), &[]).await.status == 202).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn stopped_ingress_loses_no_accepted_command() {
    let servers = TestServers::start().await;
    let mut components = RunningComponents::new(&servers, &[]);
    components.add("writer");
    components.add_with_settings("ingress", &[("AUCTION__INGRESS__SHUTDOWN_GRACE_SECONDS", "4")]);
    components.wait_until_ready().await;
    ingress_drains_and_loses_no_accepted_command(&mut components).await;
    commands_answered_202_are_decided_after_a_shutdown(&mut components).await;
}

async fn ingress_drains_and_loses_no_accepted_command(components: &mut RunningComponents) {
    let anonymous = TestUser::anonymous(&components.url());
    components.signal_component("writer", "-STOP");
    let waiting = TestUser::anonymous(&components.url());
    let waiting =
        tokio::spawn(async move { waiting.post("/users", json!({}), &[("prefer", "wait=30")]).await });

    components.signal_component("ingress", "-TERM");
    eventually("the ingress is not ready", || async {
        let ready = anonymous.get("/readyz", &[]).await;
        (ready.status == 503 && ready.body["draining"] == json!(true)).then_some(())
    })
    .await;
    // Requests are still served during the grace period.
    let mut accepted =
        vec![anonymous.post("/users", json!({}), &[]).await.assert_status(202).header("location").to_owned()];
    accepted.push(waiting.await.unwrap().assert_status(202).header("location").to_owned());
    assert_eq!(components.wait_for_exit("ingress").await, Some(0));

    components.signal_component("writer", "-CONT");
    components.add("ingress");
    components.wait_until_ready().await;
    for status in &accepted {
        assert_eq!(decided_status(&anonymous, status).await, "done");
    }
}

/// Sends bids without a pause until the ingress has ended. Sends the status path of every accepted bid to
/// `accepted`.
async fn bid_until_shutdown(url: String, user: String, auction: String, accepted: UnboundedSender<String>) {
    let client = reqwest::Client::new();
    for amount in 10_000.. {
        let bid = client.put(format!("{url}/auction/{auction}/bid")).header("x-user-id", &user);
        // A bid without a response may be lost.
        let Ok(response) = bid.json(&json!({ "amount": amount })).send().await else { return };
        assert_eq!(response.status(), 202);
        accepted.send(response.headers()["location"].to_str().unwrap().to_owned()).unwrap();
    }
}

async fn commands_answered_202_are_decided_after_a_shutdown(components: &mut RunningComponents) {
    let sue = TestUser::new(&components.url()).await;
    let auction = sue.create_auction(json!({})).await;
    let (sender, mut receiver) = unbounded_channel();
    let mut bidders = JoinSet::new();
    for _ in 0..8 {
        let user = TestUser::new(&components.url()).await.id.unwrap();
        bidders.spawn(bid_until_shutdown(components.url(), user, auction.clone(), sender.clone()));
    }
    drop(sender);
    let mut accepted = Vec::new();
    while accepted.len() < 300 {
        accepted.push(receiver.recv().await.unwrap());
    }
    components.signal_component("ingress", "-TERM");
    assert_eq!(components.wait_for_exit("ingress").await, Some(0));
    bidders.join_all().await;
    while let Some(status) = receiver.recv().await {
        accepted.push(status);
    }
    components.add("ingress");
    components.wait_until_ready().await;
    for status in &accepted {
        assert_eq!(decided_status(&sue, status).await, "done");
    }
}
