//! Whoever asks what became of a command can wait for it at any ingress, without asking again and again: also at
//! one that did not take it, and at one that was killed and started again since.

use crate::support::components::Roles;
use crate::support::test_user::{Answer, TestUser};
use crate::support::{eventually, own_address};
use auction_local_servers::{LocalServerOptions, LocalServers};
use serde_json::json;
use std::time::{Duration, Instant};
use tokio::task::JoinHandle;

const WAIT: (&str, &str) = ("prefer", "wait=30");

/// A request that waits at an ingress whose operators listen there.
async fn waiting_at(url: &str, admin: &str, monitor: &str) -> JoinHandle<Answer> {
    let (url, monitor) = (url.to_owned(), monitor.to_owned());
    let waiting = tokio::spawn(async move { TestUser::nobody(&url).get(&monitor, &[WAIT]).await });
    eventually("it waits", || async {
        let metrics = reqwest::get(format!("http://{admin}/metrics")).await.ok()?.text().await.ok()?;
        metrics.lines().any(|line| line == "auction_requests_waiting 1").then_some(())
    })
    .await;
    waiting
}

#[tokio::test]
async fn whoever_waits_at_another_ingress_or_one_that_was_restarted_is_answered() {
    let directory = tempfile::tempdir().unwrap();
    let servers = LocalServers::start(LocalServerOptions::new(directory.path())).await.unwrap();
    let mut roles = Roles::none(&servers, &[]);
    let (admin, other, other_admin) = (own_address(), own_address(), own_address());
    let (of_one, of_other) = (
        [("AUCTION__ADMIN_LISTEN", admin.as_str())],
        [("AUCTION__INGRESS__LISTEN", other.as_str()), ("AUCTION__ADMIN_LISTEN", other_admin.as_str())],
    );
    roles.add("writer");
    let one = roles.add_with("ingress", &of_one);
    roles.add_with("ingress", &of_other);
    roles.ready().await;
    let other = format!("http://{other}");
    eventually("the other ingress is ready", || async {
        reqwest::get(format!("{other}/readyz")).await.is_ok_and(|it| it.status().is_success()).then_some(())
    })
    .await;
    let url = roles.url();
    let (sue, ada) = (TestUser::new(&url).await, TestUser::new(&url).await);
    let auction = sue.offer(json!({})).await;
    let bid = async |amount: u64| {
        let taken = ada.put(&format!("/auction/{auction}/bid"), json!({"amount": amount}), &[]).await;
        taken.is(202).header("location").to_owned()
    };

    // Nobody decides for now. What one ingress took is asked of the other.
    roles.signal("writer", "-STOP");
    let accepted = waiting_at(&other, &other_admin, &bid(10_000).await).await;
    let began = Instant::now();
    roles.signal("writer", "-CONT");
    let accepted = accepted.await.unwrap();
    assert_eq!(accepted.is(303).header("preference-applied"), "wait=30");
    assert_eq!(accepted.body["kind"], "place_bid");
    assert!(began.elapsed() < Duration::from_secs(20), "woken, not found at the end of the wait");

    // So is a refusal, which leaves no event. And the ingress that took it is killed, and started again.
    roles.signal("writer", "-STOP");
    let monitor = bid(1).await;
    roles.end(one, "-KILL");
    roles.add_with("ingress", &of_one);
    roles.ready().await;
    let here = waiting_at(&url, &admin, &monitor).await;
    let there = waiting_at(&other, &other_admin, &monitor).await;
    let began = Instant::now();
    roles.signal("writer", "-CONT");
    here.await.unwrap().is_problem(409, "below_opening_bid");
    there.await.unwrap().is_problem(409, "below_opening_bid");
    assert!(began.elapsed() < Duration::from_secs(20), "woken, not found at the end of the wait");

    // Who does not want to wait is not made to, and who waits in vain is told so.
    roles.signal("writer", "-STOP");
    let monitor = bid(20_000).await;
    let asked = TestUser::nobody(&other).get(&monitor, &[("prefer", "wait=30, respond-async")]).await;
    assert_eq!(
        (asked.is(200).header("preference-applied"), asked.text("status").as_str()),
        ("respond-async", "pending")
    );
    let in_vain = TestUser::nobody(&other).get(&monitor, &[("prefer", "wait=1")]).await;
    assert_eq!((in_vain.is(200).text("status").as_str(), in_vain.header("retry-after")), ("pending", "1"));
    roles.signal("writer", "-CONT");
    servers.stop().await.unwrap();
}
