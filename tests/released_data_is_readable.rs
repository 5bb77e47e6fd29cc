//! The data of every release since `v0.1.0-alpha.1` stays usable: this program starts on it and reads all of it, and
//! decides the commands that were pending. The data is in `tests/data/<tag>`, written by the release itself:
//! `UPDATE_GOLDEN=1 cargo test -p portal --test whole_path released_data` writes it for the tag of this version, if it
//! is not there yet. Commit it once, in the release.

use crate::support::components::RunningComponents;
use crate::support::released_data::ReleasedData;
use crate::support::servers::TestServers;
use crate::support::test_user::TestUser;
use crate::support::{eventually, output_text};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use uuid::Uuid;

/// Tags of the releases whose data is stored.
const RELEASES: [&str; 1] = ["v0.1.0-alpha.1"];

const PASSWORD: &str = "correct horse battery staple";
const WAIT: [(&str, &str); 1] = [("prefer", "wait=30")];

/// The data is older than any retention period.
const KEEP_ALL: [(&str, &str); 2] =
    [("AUCTION__RETENTION__OUTCOMES_DAYS", "36500"), ("AUCTION__WRITER__UNKNOWN_KIND_WAIT_SECONDS", "0")];

async fn sign_up(url: &str, name: &str) -> TestUser {
    let body =
        json!({"email": format!("{name}@example.org"), "name": name, "password": PASSWORD, "role": "seller"});
    let user = TestUser::anonymous(url).post("/sign-up", body, &WAIT).await.assert_status(201).text("user");
    acting_as(url, user)
}

/// Returns a caller with this user id.
fn acting_as(url: &str, user: String) -> TestUser {
    let mut caller = TestUser::anonymous(url);
    caller.id = Some(user);
    caller
}

/// Returns the responses to these requests of a user, by path.
async fn responses(user: &TestUser, paths: &[String]) -> BTreeMap<String, Value> {
    let mut all = BTreeMap::new();
    for path in paths {
        all.insert(path.clone(), user.get(path, &[]).await.assert_status(200).body.clone());
    }
    all
}

/// Adds an entry of a kind that no version knows, which becomes a dead letter.
async fn add_unknown_command(servers: &TestServers, auction: &str) {
    let partition = Uuid::parse_str(auction).unwrap().as_u64_pair().1 % 8;
    let (stream, dead) = (format!("ap:{{{partition:02}}}:cmd:bid"), format!("ap:{{{partition:02}}}:dead"));
    let id = Uuid::new_v4().to_string();
    let mut raffle = vec!["XADD", &stream, "*", "id", &id, "kind", "raffle", "v", "1", "key", auction];
    raffle.extend(["actor", "portal", "fp", "0", "reply", "", "trace", "", "body", ""]);
    servers.run_redis(&raffle).await;
    eventually("the command is a dead letter", || async {
        (servers.run_redis(&["XLEN", &dead]).await == redis::Value::Int(1)).then_some(())
    })
    .await;
}

/// Runs a portal and returns what its data contains, with commands that no writer has decided.
async fn make(servers: &TestServers) -> Value {
    let mut components = RunningComponents::new(servers, &KEEP_ALL);
    components.add_all(["writer", "projector", "auctioneer", "notifier", "promoter", "ingress"]);
    components.wait_until_ready().await;
    let url = components.url();
    let (sue, ada, bob) =
        (sign_up(&url, "sue").await, sign_up(&url, "ada").await, sign_up(&url, "bob").await);
    let open = sue.create_auction(json!({"title": "Open"})).await;
    let ended = sue.create_auction(json!({"title": "Ended", "reserve": 10_000})).await;
    let cancelled = sue.create_auction(json!({"title": "Cancelled"})).await;
    for auction in [&open, &ended, &cancelled] {
        ada.bid(auction, 10_000).await.assert_status(201);
        bob.bid(auction, 11_000).await.assert_status(201);
    }
    bob.put("/subscriptions", json!({"highest_bid": false}), &WAIT).await.assert_status(200);
    let operator = [("x-user-role", "operator"), ("prefer", "wait=30")];
    sue.post(&format!("/auction/{ended}/end"), json!({}), &operator).await.assert_status(200);
    sue.post(&format!("/auction/{cancelled}/cancel"), json!({}), &WAIT).await.assert_status(200);
    add_unknown_command(servers, &open).await;
    for kind in ["auction_cancelled", "auction_won"] {
        eventually("the leading bidder is notified", || async {
            let inbox = bob.get("/notifications", &[]).await.body;
            inbox.to_string().contains(kind).then_some(())
        })
        .await;
    }
    let database = servers.database().await;
    eventually("all events are notified", || async {
        let behind = "SELECT FROM partitions LEFT JOIN notifier_checkpoints ON partition = id
            WHERE head > coalesce(position, 0)";
        database.query(behind, &[]).await.unwrap().is_empty().then_some(())
    })
    .await;
    // Nothing decides these.
    let writer = components.pids("writer")[0];
    assert_eq!(components.stop_process(writer, "-TERM"), Some(0));
    let path = format!("/auction/{open}/bid");
    ada.put(&path, json!({"amount": 12_000}), &[("prefer", "wait=0")]).await.assert_status(202);
    bob.put(&path, json!({"amount": 13_000}), &[("prefer", "wait=0")]).await.assert_status(202);

    let auction = |id: &str| [format!("/auction/{id}"), format!("/auction/{id}/bids")];
    let shown: Vec<String> = [&open, &ended, &cancelled].iter().flat_map(|id| auction(id)).collect();
    let inbox = ["/notifications".to_owned(), "/subscriptions".to_owned()];
    let expected = json!({
        "sue": sue.id, "ada": ada.id, "bob": bob.id,
        "open": open, "ended": ended, "cancelled": cancelled,
        "auctions": responses(&ada, &shown).await,
        "inbox of ada": responses(&ada, &inbox).await,
        "inbox of bob": responses(&bob, &inbox).await,
    });
    components.terminate();
    expected
}

/// Asserts that the stored responses are still given.
async fn assert_same(user: &TestUser, expected: &Value) {
    for (path, response) in expected.as_object().unwrap() {
        eventually(&format!("{path} is as it was"), || async {
            let now = user.get(path, &[]).await;
            (now.status.as_u16() == 200 && now.body == *response).then_some(())
        })
        .await;
    }
}

async fn assert_usable(release: &str) {
    let (data, servers) = (ReleasedData::of(release), TestServers::start().await);
    if !data.exists() && std::env::var_os("UPDATE_GOLDEN").is_some_and(|update| update == "1") {
        let made = TestServers::start().await;
        let expected = make(&made).await;
        data.write(&made, &expected).await;
    }
    let expected = data.expected();
    data.load(&servers).await;
    let mut components = RunningComponents::new(&servers, &KEEP_ALL);
    components.add_all(["projector", "auctioneer", "notifier", "promoter", "ingress"]);
    components.wait_until_ready().await;
    let url = components.url();
    let user = |name: &str| acting_as(&url, expected[name].as_str().unwrap().to_owned());
    let (ada, bob) = (user("ada"), user("bob"));
    assert_same(&ada, &expected["auctions"]).await;
    assert_same(&ada, &expected["inbox of ada"]).await;
    assert_same(&bob, &expected["inbox of bob"]).await;
    let signed_in = json!({"email": "ada@example.org", "password": PASSWORD});
    let signed_in = TestUser::anonymous(&url).post("/sign-in", signed_in, &[]).await;
    assert_eq!(signed_in.assert_status(200).text("user"), *ada.id.as_ref().unwrap());
    let dead = servers.portal(&["dead-letters", "list"]).output().unwrap();
    assert!(output_text(&dead).contains("raffle"), "{}", output_text(&dead));

    // The pending commands are decided, and all of it can be folded, projected and extended.
    components.add("writer");
    let open = expected["open"].as_str().unwrap();
    let before = &expected["auctions"][format!("/auction/{open}")];
    let bids = before["bids"].as_u64().unwrap();
    eventually("the pending bids are decided", || async {
        let now = ada.get(&format!("/auction/{open}"), &[]).await.body;
        // Draws that are due since the data was written change the version, and double amounts.
        (now["bids"] == bids + 2).then_some(())
    })
    .await;
    ada.bid(open, 14_000).await.assert_status(201);
    let ended = expected["ended"].as_str().unwrap();
    ada.bid(ended, 14_000).await.assert_status(409);
    let rebuilt = servers.portal(&["rebuild"]).output().unwrap();
    assert!(rebuilt.status.success(), "{}", output_text(&rebuilt));
    servers.verify();
    components.terminate();
}

#[tokio::test]
async fn released_data_is_readable_and_pending_commands_are_decided() {
    for release in RELEASES {
        assert_usable(release).await;
    }
}
