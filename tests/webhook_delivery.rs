//! Webhooks: notifications reach the endpoints of their users, signed as the standard requires, also when
//! notifiers are killed.

use crate::support::components::RunningComponents;
use crate::support::receiver::{WebhookCall, WebhookReceiver};
use crate::support::servers::TestServers;
use crate::support::test_user::{HttpResponse, TestUser};
use crate::support::{eventually, output_text, root, wait_until_all_notified};
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;
use uuid::Uuid;

const SETTINGS: [(&str, &str); 7] = [
    ("AUCTION__NOTIFIER__LEASE_SECONDS", "2"),
    ("AUCTION__NOTIFIER__INTERVAL_MS", "50"),
    ("AUCTION__WEBHOOKS__ALLOW_HTTP", "true"),
    ("AUCTION__WEBHOOKS__ALLOW_PRIVATE_ADDRESSES", "true"),
    ("AUCTION__WEBHOOKS__TIMEOUT_SECONDS", "2"),
    // The second attempt comes after 50 ms, the third after 3 s.
    ("AUCTION__WEBHOOKS__SCHEDULE_SECOND_MS", "10"),
    ("AUCTION__WEBHOOKS__MAX_PER_USER", "2"),
];

struct WebhookPortal {
    servers: TestServers,
    components: RunningComponents,
}

async fn start_portal(settings: &[(&'static str, &str)]) -> WebhookPortal {
    let servers = TestServers::start().await;
    let mut components = RunningComponents::new(&servers, settings);
    components.add_all(["writer", "notifier", "notifier", "ingress"]);
    components.wait_until_ready().await;
    WebhookPortal { servers, components }
}

/// Creates a webhook for a user.
async fn webhook(user: &TestUser, url: &str) -> HttpResponse {
    user.post(&path_of(user, ""), json!({"url": url}), &[]).await
}

/// Returns a path below the webhooks of a user.
fn path_of(user: &TestUser, path: &str) -> String {
    format!("/user/{}/webhooks{path}", user.id.as_ref().unwrap())
}

/// Lets two users outbid each other this number of times.
async fn outbid_each_other(ada: &TestUser, bob: &TestUser, auction: &str, from: u64, times: u64) {
    for n in 0..times {
        ada.bid(auction, 10_000 + 2 * (from + n)).await.assert_status(201);
        bob.bid(auction, 10_001 + 2 * (from + n)).await.assert_status(201);
    }
}

/// Returns the ids of all notifications of a user.
async fn notification_ids(portal: &WebhookPortal, user: &TestUser) -> BTreeSet<String> {
    let database = portal.servers.database().await;
    wait_until_all_notified(&database).await;
    let user_id: Uuid = user.id.as_ref().unwrap().parse().unwrap();
    let rows = database.query("SELECT id::text FROM notifications WHERE user_id = $1", &[&user_id]).await;
    rows.unwrap().iter().map(|row| row.get(0)).collect()
}

fn ids(received: &[WebhookCall]) -> BTreeSet<String> {
    received.iter().map(|call| call.id().to_owned()).collect()
}

/// Asserts that the reference library of Standard Webhooks accepts all calls.
fn verify(secret: &str, received: &[WebhookCall]) {
    if std::env::var("AUCTION_OFFLINE").is_ok_and(|offline| offline == "1") {
        println!("NOT VERIFIED by the reference library: AUCTION_OFFLINE=1");
        return;
    }
    let lines = received.iter().map(|call| {
        let headers: BTreeMap<&str, &str> = ["webhook-id", "webhook-timestamp", "webhook-signature"]
            .map(|name| (name, call.header(name)))
            .into();
        json!({"secret": secret, "headers": headers, "body": call.body}).to_string()
    });
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), lines.collect::<Vec<_>>().join("\n")).unwrap();
    let target = Path::new(env!("CARGO_BIN_EXE_portal")).parent().and_then(Path::parent).unwrap();
    let mut script = Command::new(root().join("scripts/standardwebhooks.sh"));
    let output = script.arg(file.path()).env("CARGO_TARGET_DIR", target).output().unwrap();
    let printed = output_text(&output);
    assert!(
        output.status.success(),
        "the reference library of Standard Webhooks rejected a call, or could not be installed. It is \
         installed from PyPI at the first run; AUCTION_OFFLINE=1 skips this check.\n{printed}"
    );
    assert!(printed.contains(&format!("verified {}", received.len())), "{printed}");
}

#[tokio::test]
async fn webhooks_are_managed_and_delivered_at_least_once() {
    let portal = start_portal(&SETTINGS).await;
    webhooks_can_be_managed_and_deliveries_listed(&portal).await;
    webhooks_survive_kill_9_and_keep_their_id(portal).await;
}

async fn webhooks_survive_kill_9_and_keep_their_id(mut portal: WebhookPortal) {
    let url = portal.components.url();
    let (sue, ada, bob) = (TestUser::new(&url).await, TestUser::new(&url).await, TestUser::new(&url).await);
    let receiver = WebhookReceiver::start().await;
    let secret = webhook(&ada, &receiver.url).await.assert_status(201).text("secret");
    let auction = sue.create_auction(json!({})).await;
    for round in 0..4 {
        // The receiver accepts a call and does not answer; a notifier is killed meanwhile.
        receiver.respond_with(0);
        let before = receiver.received().len();
        outbid_each_other(&ada, &bob, &auction, 10 * round, 5).await;
        eventually("the receiver is called", || async { (receiver.received().len() > before).then_some(()) })
            .await;
        receiver.respond_with(if round % 2 == 0 { 200 } else { 500 });
        let pid = portal.components.pids("notifier")[0];
        portal.components.stop_process(pid, "-KILL");
        portal.components.add("notifier");
        outbid_each_other(&ada, &bob, &auction, 10 * round + 5, 5).await;
        receiver.respond_with(200);
    }
    let notified = notification_ids(&portal, &ada).await;
    assert!(notified.len() >= 4, "{notified:?}");
    let all = || async { (ids(&receiver.received()) == notified).then_some(()) };
    eventually("all notifications reached the receiver", all).await;
    let pending = "SELECT count(*) FROM deliveries WHERE state = 'pending'";
    let database = portal.servers.database().await;
    eventually("all deliveries are recorded as delivered", || async {
        (database.query_one(pending, &[]).await.unwrap().get::<_, i64>(0) == 0).then_some(())
    })
    .await;
    let received = receiver.received();
    assert!(received.len() > notified.len(), "some notifications were sent twice");
    let mut bodies = BTreeMap::new();
    for call in &received {
        let body = bodies.entry(call.id().to_owned()).or_insert_with(|| call.body.clone());
        assert_eq!(*body, call.body, "repeated calls have the same body");
        let body: Value = serde_json::from_str(&call.body).unwrap();
        assert_eq!((&body["data"]["id"], &body["type"]), (&json!(call.id()), &body["data"]["kind"]));
    }
    println!("{} calls for {} notifications", received.len(), notified.len());
    verify(&secret, &received);
    portal.components.terminate();
}

async fn invalid_webhooks_are_refused(ada: &TestUser, bob: &TestUser, url: &str) {
    webhook(ada, "ftp://a.example/").await.assert_problem(422, "url_not_allowed");
    webhook(ada, "https://a.example/").await.assert_status(201);
    assert_eq!(
        webhook(ada, "https://b.example/").await.assert_problem(409, "too_many_webhooks").body["limit"],
        2
    );
    bob.get(&path_of(ada, ""), &[]).await.assert_problem(403, "not_your_account");
    let mut unknown_user = TestUser::anonymous(url);
    unknown_user.id = Some(Uuid::new_v4().to_string());
    webhook(&unknown_user, "https://a.example/").await.assert_problem(404, "unknown_user");
}

async fn deleted_webhooks_are_removed(ada: &TestUser, hook: &str) {
    let deliveries = path_of(ada, &format!("/{hook}/deliveries"));
    let delete = async || ada.send(Method::DELETE, &path_of(ada, &format!("/{hook}")), None, &[]).await;
    delete().await.assert_status(204);
    delete().await.assert_problem(404, "unknown_webhook");
    ada.get(&deliveries, &[]).await.assert_problem(404, "unknown_webhook");
    let wait = [("prefer", "wait=30")];
    ada.send(Method::DELETE, &format!("/user/{}", ada.id.as_ref().unwrap()), None, &wait)
        .await
        .assert_status(200);
    eventually("the webhooks of the deleted user are removed", || async {
        let list = ada.get(&path_of(ada, ""), &[]).await;
        (list.assert_status(200).body["webhooks"] == json!([])).then_some(())
    })
    .await;
    webhook(ada, "https://a.example/").await.assert_problem(404, "unknown_user");
}

async fn webhooks_can_be_managed_and_deliveries_listed(portal: &WebhookPortal) {
    let url = portal.components.url();
    let (sue, ada, bob) = (TestUser::new(&url).await, TestUser::new(&url).await, TestUser::new(&url).await);
    let receiver = WebhookReceiver::start().await;
    let created = webhook(&ada, &receiver.url).await;
    let (hook, secret) = (created.assert_status(201).text("webhook"), created.text("secret"));
    assert_eq!(created.header("location"), path_of(&ada, &format!("/{hook}/deliveries")));
    let list = ada.get(&path_of(&ada, ""), &[]).await;
    assert_eq!(list.assert_status(200).body["webhooks"][0]["url"], json!(receiver.url));
    assert!(!list.body.to_string().contains("secret"), "{list:?}");
    invalid_webhooks_are_refused(&ada, &bob, &url).await;
    let auction = sue.create_auction(json!({})).await;
    let mut bids = 0;
    let mut outbid = async |calls: usize| {
        outbid_each_other(&ada, &bob, &auction, bids, 1).await;
        bids += 1;
        eventually("the receiver is called", || async { (receiver.received().len() == calls).then_some(()) })
            .await;
        receiver.received()
    };
    verify(&secret, &outbid(1).await);
    let deliveries = path_of(&ada, &format!("/{hook}/deliveries"));
    let sent = eventually("the delivery is recorded as delivered", || async {
        let sent = ada.get(&deliveries, &[]).await;
        let first = sent.assert_status(200).body["deliveries"][0].clone();
        (first["state"] == "delivered").then_some(first)
    })
    .await;
    assert_eq!((&sent["attempts"], &sent["status"]), (&json!(1), &json!(200)));
    assert_eq!((&sent["content"]["kind"], sent.get("next_at")), (&json!("highest_bid"), None));

    // A replay sends the same call again.
    let delivery = sent["delivery"].as_str().unwrap();
    let replay = format!("{deliveries}/{delivery}/replay");
    assert_eq!(ada.post(&replay, json!({}), &[]).await.assert_status(202).body["state"], "pending");
    eventually("the call is received again", || async { (receiver.received().len() == 2).then_some(()) })
        .await;
    let received = receiver.received();
    assert_eq!((received[0].id(), &received[0].body), (received[1].id(), &received[1].body));
    ada.post(&format!("{deliveries}/{hook}/replay"), json!({}), &[])
        .await
        .assert_problem(404, "unknown_delivery");

    // After a rotation, both secrets sign for some time.
    let rotated = ada.post(&path_of(&ada, &format!("/{hook}/rotate")), json!({}), &[]).await;
    assert_ne!(rotated.assert_status(200).text("secret"), secret);
    rotated.text("previous_secret_until");
    let received = outbid(3).await;
    assert_eq!(received[2].header("webhook-signature").split(' ').count(), 2);
    verify(&secret, &received[2..]);
    verify(&rotated.text("secret"), &received[2..]);
    let page = ada.get(&format!("{deliveries}?limit=1"), &[]).await;
    let next = page.assert_status(200).text("next");
    assert_eq!(page.header("link"), format!("<{next}>; rel=\"next\""));
    let rest = ada.get(&next, &[]).await;
    assert_eq!(rest.assert_status(200).body["deliveries"][0]["delivery"], json!(delivery));

    // A receiver that answers 410 gets no further calls.
    receiver.respond_with(410);
    outbid(4).await;
    eventually("the webhook is disabled", || async {
        ada.get(&path_of(&ada, ""), &[]).await.body["webhooks"][0].get("disabled_at").map(|_| ())
    })
    .await;
    ada.post(&replay, json!({}), &[]).await.assert_problem(409, "webhook_disabled");
    deleted_webhooks_are_removed(&ada, &hook).await;
}

/// Uses the default settings for webhooks.
#[tokio::test]
async fn webhooks_to_private_addresses_are_refused_by_default() {
    let portal = start_portal(&[("AUCTION__NOTIFIER__INTERVAL_MS", "50")]).await;
    let url = portal.components.url();
    let (sue, ada, bob) = (TestUser::new(&url).await, TestUser::new(&url).await, TestUser::new(&url).await);
    let receiver = WebhookReceiver::start().await;
    webhook(&ada, &receiver.url).await.assert_problem(422, "url_not_allowed");
    let https = receiver.url.replace("http:", "https:");
    webhook(&ada, &https).await.assert_problem(422, "url_not_allowed");
    // Host names are resolved and checked at each attempt.
    let hook =
        webhook(&ada, &https.replace("127.0.0.1", "localhost")).await.assert_status(201).text("webhook");
    let auction = sue.create_auction(json!({})).await;
    outbid_each_other(&ada, &bob, &auction, 0, 1).await;
    let error = eventually("an attempt has failed", || async {
        let sent = ada.get(&path_of(&ada, &format!("/{hook}/deliveries")), &[]).await;
        sent.assert_status(200).body["deliveries"][0]["error"].as_str().map(str::to_owned)
    })
    .await;
    assert_eq!((error.as_str(), receiver.received().len()), ("address_not_allowed", 0));
}
