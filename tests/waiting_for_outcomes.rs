//! A client can wait for the outcome of a command at any ingress without polling: also at one that did not
//! accept the command, and at one that was killed and restarted.

use crate::support::components::RunningComponents;
use crate::support::servers::TestServers;
use crate::support::test_user::{HttpResponse, TestUser};
use crate::support::{eventually, free_address, wait_until_ready};
use serde_json::json;
use std::time::{Duration, Instant};
use tokio::task::JoinHandle;

const WAIT: (&str, &str) = ("prefer", "wait=30");

/// Starts a request that waits for the outcome of a command, and returns once the metrics of the ingress show
/// the wait.
async fn start_waiting(url: &str, admin: &str, status: &str) -> JoinHandle<HttpResponse> {
    let (url, status) = (url.to_owned(), status.to_owned());
    let waiting = tokio::spawn(async move { TestUser::anonymous(&url).get(&status, &[WAIT]).await });
    eventually("the request waits", || async {
        let metrics = reqwest::get(format!("http://{admin}/metrics")).await.ok()?.text().await.ok()?;
        metrics.lines().any(|line| line == "auction_requests_awaiting_outcome 1").then_some(())
    })
    .await;
    waiting
}

#[tokio::test]
async fn outcomes_can_be_awaited_at_other_and_restarted_ingresses() {
    let servers = TestServers::start().await;
    let mut components = RunningComponents::new(&servers, &[]);
    let (admin, other, other_admin) = (free_address(), free_address(), free_address());
    let (first_settings, other_settings) = (
        [("AUCTION__ADMIN_LISTEN", admin.as_str())],
        [("AUCTION__INGRESS__LISTEN", other.as_str()), ("AUCTION__ADMIN_LISTEN", other_admin.as_str())],
    );
    components.add("writer");
    let one = components.add_with_settings("ingress", &first_settings);
    components.add_with_settings("ingress", &other_settings);
    components.wait_until_ready().await;
    let other = format!("http://{other}");
    wait_until_ready(&other).await;
    let url = components.url();
    let (sue, ada) = (TestUser::new(&url).await, TestUser::new(&url).await);
    let auction = sue.create_auction(json!({})).await;
    let bid = async |amount: u64| {
        let accepted = ada.put(&format!("/auction/{auction}/bid"), json!({"amount": amount}), &[]).await;
        accepted.assert_status(202).header("location").to_owned()
    };

    // Commands are not decided while the writer is paused. The outcome is awaited at the other ingress.
    components.signal_component("writer", "-STOP");
    let accepted = start_waiting(&other, &other_admin, &bid(10_000).await).await;
    let began = Instant::now();
    components.signal_component("writer", "-CONT");
    let accepted = accepted.await.unwrap();
    assert_eq!(accepted.assert_status(303).header("preference-applied"), "wait=30");
    assert_eq!(accepted.body["kind"], "place_bid");
    assert!(
        began.elapsed() < Duration::from_secs(20),
        "the wait ends with the outcome, not with its timeout"
    );

    // Refusals have no event, but arrive in the same way; also after a restart of the ingress that accepted
    // the command.
    components.signal_component("writer", "-STOP");
    let status = bid(1).await;
    components.stop_process(one, "-KILL");
    components.add_with_settings("ingress", &first_settings);
    components.wait_until_ready().await;
    let at_first = start_waiting(&url, &admin, &status).await;
    let at_other = start_waiting(&other, &other_admin, &status).await;
    let began = Instant::now();
    components.signal_component("writer", "-CONT");
    at_first.await.unwrap().assert_problem(409, "below_opening_bid");
    at_other.await.unwrap().assert_problem(409, "below_opening_bid");
    assert!(
        began.elapsed() < Duration::from_secs(20),
        "the wait ends with the outcome, not with its timeout"
    );

    // A request with respond-async does not wait, and a wait without an outcome ends with the status
    // `pending`.
    components.signal_component("writer", "-STOP");
    let status = bid(20_000).await;
    let without_wait =
        TestUser::anonymous(&other).get(&status, &[("prefer", "wait=30, respond-async")]).await;
    assert_eq!(
        (without_wait.assert_status(200).header("preference-applied"), without_wait.text("status").as_str()),
        ("respond-async", "pending")
    );
    let timed_out = TestUser::anonymous(&other).get(&status, &[("prefer", "wait=1")]).await;
    assert_eq!(
        (timed_out.assert_status(200).text("status").as_str(), timed_out.header("retry-after")),
        ("pending", "1")
    );
    components.signal_component("writer", "-CONT");
}
