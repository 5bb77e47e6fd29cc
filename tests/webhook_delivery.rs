//! Webhooks: what a user is told reaches where he wants it, signed as the standard has it, whoever is killed.

use crate::support::components::Roles;
use crate::support::polling_readers::all_told;
use crate::support::receiver::{Received, Receiver};
use crate::support::test_user::{Answer, TestUser};
use crate::support::{database, eventually, root, text};
use auction_local_servers::{LocalServerOptions, LocalServers};
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
    ("AUCTION__WEBHOOKS__EACH", "2"),
];

struct World {
    servers: LocalServers,
    roles: Roles,
    _directory: tempfile::TempDir,
}

async fn world(settings: &[(&'static str, &str)]) -> World {
    let directory = tempfile::tempdir().unwrap();
    let servers = LocalServers::start(LocalServerOptions::new(directory.path())).await.unwrap();
    let mut roles = Roles::none(&servers, settings);
    for role in ["writer", "notifier", "notifier", "ingress"] {
        roles.add(role);
    }
    roles.ready().await;
    World { servers, roles, _directory: directory }
}

/// A new webhook of a user.
async fn webhook(person: &TestUser, url: &str) -> Answer {
    person.post(&of(person, ""), json!({"url": url}), &[]).await
}

/// A path of a user's webhooks.
fn of(person: &TestUser, path: &str) -> String {
    format!("/user/{}/webhooks{path}", person.id.as_ref().unwrap())
}

/// They outbid each other so many times.
async fn compete(ada: &TestUser, bob: &TestUser, auction: &str, from: u64, times: u64) {
    for n in 0..times {
        ada.bid(auction, 10_000 + 2 * (from + n)).await.is(201);
        bob.bid(auction, 10_001 + 2 * (from + n)).await.is(201);
    }
}

/// The ids of all that a user was told.
async fn told(world: &World, person: &TestUser) -> BTreeSet<String> {
    let database = database(world.servers.database_url()).await;
    all_told(&database).await;
    let user: Uuid = person.id.as_ref().unwrap().parse().unwrap();
    let rows = database.query("SELECT id::text FROM notifications WHERE user_id = $1", &[&user]).await;
    rows.unwrap().iter().map(|row| row.get(0)).collect()
}

fn ids(received: &[Received]) -> BTreeSet<String> {
    received.iter().map(|one| one.id().to_owned()).collect()
}

/// The reference library verifies all of it.
fn verify(secret: &str, received: &[Received]) {
    if std::env::var("AUCTION_OFFLINE").is_ok_and(|offline| offline == "1") {
        println!("NOT VERIFIED by the reference library: AUCTION_OFFLINE=1");
        return;
    }
    let lines = received.iter().map(|one| {
        let headers: BTreeMap<&str, &str> = ["webhook-id", "webhook-timestamp", "webhook-signature"]
            .map(|name| (name, one.header(name)))
            .into();
        json!({"secret": secret, "headers": headers, "body": one.body}).to_string()
    });
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), lines.collect::<Vec<_>>().join("\n")).unwrap();
    let target = Path::new(env!("CARGO_BIN_EXE_portal")).parent().and_then(Path::parent).unwrap();
    let mut script = Command::new(root().join("scripts/standardwebhooks.sh"));
    let output = script.arg(file.path()).env("CARGO_TARGET_DIR", target).output().unwrap();
    let said = text(&output);
    assert!(
        output.status.success(),
        "the reference library of Standard Webhooks did not verify this. It comes from PyPI, once; without it \
         AUCTION_OFFLINE=1 leaves this out.\n{said}"
    );
    assert!(said.contains(&format!("verified {}", received.len())), "{said}");
}

#[tokio::test]
async fn kill_nine_loses_no_webhook_and_what_comes_twice_has_the_same_id() {
    let mut world = world(&SETTINGS).await;
    let url = world.roles.url();
    let (sue, ada, bob) = (TestUser::new(&url).await, TestUser::new(&url).await, TestUser::new(&url).await);
    let receiver = Receiver::start().await;
    let secret = webhook(&ada, &receiver.url).await.is(201).text("secret");
    let auction = sue.offer(json!({})).await;
    for round in 0..4 {
        // He takes the first and says nothing: whoever called him is killed while he waits.
        receiver.answers(0);
        let before = receiver.received().len();
        compete(&ada, &bob, &auction, 10 * round, 5).await;
        eventually("he is called", || async { (receiver.received().len() > before).then_some(()) }).await;
        receiver.answers(if round % 2 == 0 { 200 } else { 500 });
        let pid = world.roles.pids("notifier")[0];
        world.roles.end(pid, "-KILL");
        world.roles.add("notifier");
        compete(&ada, &bob, &auction, 10 * round + 5, 5).await;
        receiver.answers(200);
    }
    let told = told(&world, &ada).await;
    assert!(told.len() >= 4, "{told:?}");
    let all = || async { (ids(&receiver.received()) == told).then_some(()) };
    eventually("everything that she was told reached him", all).await;
    // And is known to have.
    let pending = "SELECT count(*) FROM deliveries WHERE state <> 'delivered'";
    let database = database(world.servers.database_url()).await;
    eventually("everything is settled", || async {
        (database.query_one(pending, &[]).await.unwrap().get::<_, i64>(0) == 0).then_some(())
    })
    .await;
    let received = receiver.received();
    assert!(received.len() > told.len(), "some came twice");
    let mut bodies = BTreeMap::new();
    for one in &received {
        let body = bodies.entry(one.id().to_owned()).or_insert_with(|| one.body.clone());
        assert_eq!(*body, one.body, "the same every time");
        let body: Value = serde_json::from_str(&one.body).unwrap();
        assert_eq!((&body["data"]["id"], &body["type"]), (&json!(one.id()), &body["data"]["kind"]));
    }
    println!("{} calls for {} notifications", received.len(), told.len());
    verify(&secret, &received);
    assert!(world.roles.terminate().iter().all(|code| *code == Some(0)));
}

async fn what_makes_no_sense_is_refused(ada: &TestUser, bob: &TestUser, url: &str) {
    webhook(ada, "ftp://a.example/").await.is_problem(422, "url_not_allowed");
    webhook(ada, "https://a.example/").await.is(201);
    assert_eq!(
        webhook(ada, "https://b.example/").await.is_problem(409, "too_many_webhooks").body["at_most"],
        2
    );
    bob.get(&of(ada, ""), &[]).await.is_problem(403, "not_your_account");
    let mut ghost = TestUser::nobody(url);
    ghost.id = Some(Uuid::new_v4().to_string());
    webhook(&ghost, "https://a.example/").await.is_problem(404, "unknown_user");
}

async fn what_is_deleted_is_gone(ada: &TestUser, hook: &str) {
    let deliveries = of(ada, &format!("/{hook}/deliveries"));
    let gone = async || ada.send(Method::DELETE, &of(ada, &format!("/{hook}")), None, &[]).await;
    gone().await.is(204);
    gone().await.is_problem(404, "unknown_webhook");
    ada.get(&deliveries, &[]).await.is_problem(404, "unknown_webhook");
    let wait = [("prefer", "wait=30")];
    ada.send(Method::DELETE, &format!("/user/{}", ada.id.as_ref().unwrap()), None, &wait).await.is(200);
    eventually("nothing is left of her", || async {
        let list = ada.get(&of(ada, ""), &[]).await;
        (list.is(200).body["webhooks"] == json!([])).then_some(())
    })
    .await;
    webhook(ada, "https://a.example/").await.is_problem(404, "unknown_user");
}

#[tokio::test]
async fn a_user_sets_where_he_is_told_and_sees_what_was_sent() {
    let world = world(&SETTINGS).await;
    let url = world.roles.url();
    let (sue, ada, bob) = (TestUser::new(&url).await, TestUser::new(&url).await, TestUser::new(&url).await);
    let receiver = Receiver::start().await;
    let created = webhook(&ada, &receiver.url).await;
    let (hook, secret) = (created.is(201).text("webhook"), created.text("secret"));
    assert_eq!(created.header("location"), of(&ada, &format!("/{hook}/deliveries")));
    let list = ada.get(&of(&ada, ""), &[]).await;
    assert_eq!(list.is(200).body["webhooks"][0]["url"], json!(receiver.url));
    assert!(!list.body.to_string().contains("secret"), "{list:?}");
    what_makes_no_sense_is_refused(&ada, &bob, &url).await;
    let auction = sue.offer(json!({})).await;
    let mut bids = 0;
    let mut outbid = async |calls: usize| {
        compete(&ada, &bob, &auction, bids, 1).await;
        bids += 1;
        eventually("he is called", || async { (receiver.received().len() == calls).then_some(()) }).await;
        receiver.received()
    };
    verify(&secret, &outbid(1).await);
    let deliveries = of(&ada, &format!("/{hook}/deliveries"));
    let sent = eventually("it is delivered", || async {
        let sent = ada.get(&deliveries, &[]).await;
        let first = sent.is(200).body["deliveries"][0].clone();
        (first["state"] == "delivered").then_some(first)
    })
    .await;
    assert_eq!((&sent["attempts"], &sent["status"]), (&json!(1), &json!(200)));
    assert_eq!((&sent["news"]["kind"], sent.get("next_at")), (&json!("highest_bid"), None));

    // Sent again it is the same.
    let delivery = sent["delivery"].as_str().unwrap();
    let replay = format!("{deliveries}/{delivery}/replay");
    assert_eq!(ada.post(&replay, json!({}), &[]).await.is(202).body["state"], "pending");
    eventually("it comes again", || async { (receiver.received().len() == 2).then_some(()) }).await;
    let received = receiver.received();
    assert_eq!((received[0].id(), &received[0].body), (received[1].id(), &received[1].body));
    ada.post(&format!("{deliveries}/{hook}/replay"), json!({}), &[])
        .await
        .is_problem(404, "unknown_delivery");

    // Both secrets sign for a while.
    let rotated = ada.post(&of(&ada, &format!("/{hook}/rotate")), json!({}), &[]).await;
    assert_ne!(rotated.is(200).text("secret"), secret);
    rotated.text("previous_secret_until");
    let received = outbid(3).await;
    assert_eq!(received[2].header("webhook-signature").split(' ').count(), 2);
    verify(&secret, &received[2..]);
    verify(&rotated.text("secret"), &received[2..]);
    let page = ada.get(&format!("{deliveries}?limit=1"), &[]).await;
    let next = page.is(200).text("next");
    assert_eq!(page.header("link"), format!("<{next}>; rel=\"next\""));
    let rest = ada.get(&next, &[]).await;
    assert_eq!(rest.is(200).body["deliveries"][0]["delivery"], json!(delivery));

    // Who wants nothing more gets nothing more.
    receiver.answers(410);
    outbid(4).await;
    eventually("it is disabled", || async {
        ada.get(&of(&ada, ""), &[]).await.body["webhooks"][0].get("disabled_at").map(|_| ())
    })
    .await;
    ada.post(&replay, json!({}), &[]).await.is_problem(409, "webhook_disabled");
    what_is_deleted_is_gone(&ada, &hook).await;
}

/// As it is without any settings.
#[tokio::test]
async fn private_addresses_are_not_called_by_default() {
    let world = world(&[("AUCTION__NOTIFIER__INTERVAL_MS", "50")]).await;
    let url = world.roles.url();
    let (sue, ada, bob) = (TestUser::new(&url).await, TestUser::new(&url).await, TestUser::new(&url).await);
    let receiver = Receiver::start().await;
    webhook(&ada, &receiver.url).await.is_problem(422, "url_not_allowed");
    let https = receiver.url.replace("http:", "https:");
    webhook(&ada, &https).await.is_problem(422, "url_not_allowed");
    // A name is looked at when it is called.
    let hook = webhook(&ada, &https.replace("127.0.0.1", "localhost")).await.is(201).text("webhook");
    let auction = sue.offer(json!({})).await;
    compete(&ada, &bob, &auction, 0, 1).await;
    let error = eventually("it was tried", || async {
        let sent = ada.get(&of(&ada, &format!("/{hook}/deliveries")), &[]).await;
        sent.is(200).body["deliveries"][0]["error"].as_str().map(str::to_owned)
    })
    .await;
    assert_eq!((error.as_str(), receiver.received().len()), ("address_not_allowed", 0));
}
