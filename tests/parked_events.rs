//! An event that the projector cannot read is parked with the later events of its auction. Other auctions
//! continue, an operator sees the parked event, and once it is readable a retry handles all of them.

use crate::support::components::RunningComponents;
use crate::support::page::Reader;
use crate::support::servers::TestServers;
use crate::support::test_user::TestUser;
use crate::support::{eventually, output_text, root};
use serde_json::json;
use uuid::Uuid;

/// Runs `portal parked-events`. Returns its exit code and output.
fn parked_events(servers: &TestServers, args: &[&str]) -> (Option<i32>, String) {
    let output = servers.portal(&["parked-events"]).args(args).output().unwrap();
    (output.status.code(), output_text(&output))
}

/// Changes the kind of a stored event. Only the owner of the table can do this, with its triggers disabled.
async fn change_kind(servers: &TestServers, auction: &str, version: i64, kind: &str) {
    let database = servers.database().await;
    database.batch_execute("ALTER TABLE events DISABLE TRIGGER ALL").await.unwrap();
    let change = "UPDATE events SET kind = $3 WHERE aggregate = $1 AND version = $2";
    let auction = Uuid::parse_str(auction).unwrap();
    assert_eq!(database.execute(change, &[&auction, &version, &kind]).await.unwrap(), 1);
    database.batch_execute("ALTER TABLE events ENABLE ALWAYS TRIGGER events_are_append_only").await.unwrap();
    database
        .batch_execute("ALTER TABLE events ENABLE ALWAYS TRIGGER events_are_not_truncated")
        .await
        .unwrap();
}

/// Asserts that an operator sees the parked event by HTTP and can request a retry, which fails.
async fn assert_visible_over_http(user: &TestUser, auction: &str) {
    let operator = [("x-user-role", "operator")];
    user.get("/parked-events", &[]).await.assert_problem(403, "operator_role_required");
    let path = format!("/parked-events?component=projector&key={auction}&reason=unreadable");
    let list = user.get(&path, &operator).await;
    assert_eq!(list.assert_status(200).body["parked"][0]["kind"], "bid_raffled");
    let none = user.get("/parked-events?reason=panicked", &operator).await;
    assert_eq!(none.assert_status(200).body, json!({"parked": []}));
    let path = format!("/parked-events/projector/{auction}");
    let whole = user.get(&path, &operator).await;
    let pending = whole.assert_status(200).body["pending_events"].as_array().unwrap();
    assert_eq!((pending.len(), &pending[1]["body"]["amount"]), (2, &json!(20_000)), "{whole:?}");
    let requested = user.post(&format!("{path}/retry"), json!({}), &operator).await;
    assert_eq!(requested.assert_status(202).body["requested_action"], "retry");
    eventually("the retry has failed", || async {
        let now = user.get(&path, &operator).await;
        now.assert_status(200).body.get("requested_action").is_none().then_some(())
    })
    .await;
    let other = format!("/parked-events/notifier/{auction}x");
    user.get(&other, &operator).await.assert_problem(404, "not_parked");
    user.post(&format!("{other}/drop"), json!({}), &operator).await.assert_problem(404, "not_parked");
}

#[tokio::test]
async fn unreadable_event_parks_only_its_auction_until_retried() {
    let servers = TestServers::start().await;
    let mut components = RunningComponents::new(&servers, &[]);
    components.add_all(["writer", "projector", "ingress"]);
    components.wait_until_ready().await;
    let (sue, ada) = (TestUser::new(&components.url()).await, TestUser::new(&components.url()).await);
    let (one, other) = (sue.create_auction(json!({})).await, sue.create_auction(json!({})).await);
    let show = async |auction: &str| ada.get(&format!("/auction/{auction}"), &[]).await.body;
    let shows = async |auction: &str, version: u64| {
        eventually("the auction has the version", async || {
            (show(auction).await["version"] == version).then_some(())
        })
        .await;
    };
    shows(&one, 1).await;

    // While the projector is stopped, a bid of an unknown kind is stored and the event stream is trimmed.
    let projector = components.pids("projector")[0];
    assert_eq!(components.stop_process(projector, "-TERM"), Some(0));
    ada.bid(&one, 10_000).await.assert_status(201);
    ada.bid(&one, 20_000).await.assert_status(201);
    change_kind(&servers, &one, 2, "bid_raffled").await;
    let mut redis = servers.redis().await;
    let partition = Uuid::parse_str(&one).unwrap().as_u64_pair().1 % 8;
    let mut trim = redis::cmd("XTRIM");
    trim.arg(format!("ap:{{{partition:02}}}:evt")).arg("MAXLEN").arg(0);
    let _: u64 = trim.query_async(&mut redis).await.unwrap();
    components.add_all(["projector", "notifier"]);

    ada.bid(&other, 10_000).await.assert_status(201);
    shows(&other, 2).await;
    eventually("projector and notifier have parked the event", async || {
        let (_, printed) = parked_events(&servers, &["list"]);
        (printed.lines().filter(|line| line.contains(&one)).count() == 2).then_some(())
    })
    .await;
    // The commands of the page end with dropping the event of the notifier.
    let page = std::fs::read_to_string(root().join("docs/how-to/parked-events.md")).unwrap();
    let reader = Reader::new(&components.url(), &servers.directory().join("data"))
        .with_variable("REDIS_URL", servers.redis_url())
        .with_variable("DATABASE_URL", servers.database_url())
        .with_variable("auction", &one);
    reader.assert_true("docs/how-to/parked-events.md", &page);
    assert_eq!(show(&one).await["version"], 1, "the read model of the auction is not updated");
    let (code, printed) = parked_events(&servers, &["list", "--component", "projector", "--json"]);
    assert_eq!(code, Some(0));
    assert!(printed.contains("\"kind\":\"bid_raffled\"") && printed.contains("unreadable"), "{printed}");
    let (_, printed) = parked_events(&servers, &["show", "--key", &one]);
    assert!(printed.contains("2 pending events") && printed.contains("\"amount\":20000"), "{printed}");
    let (_, printed) = parked_events(&servers, &["retry", "--key", &one, "--dry-run"]);
    assert!(printed.contains("1 would be retried"), "{printed}");
    assert_visible_over_http(&ada, &one).await;
    assert_eq!(parked_events(&servers, &["retry"]).0, Some(2), "retrying all requires --all");
    let (code, printed) = parked_events(&servers, &["retry", "--component", "projector"]);
    assert_eq!(code, Some(1), "{printed}");
    assert!(printed.contains("still parked"), "{printed}");

    // The event becomes readable. A projector that starts then would resume it by itself.
    change_kind(&servers, &one, 2, "bid_placed").await;
    let (code, printed) = parked_events(&servers, &["retry", "--all"]);
    assert_eq!(code, Some(0), "{printed}");
    assert!(parked_events(&servers, &["list"]).1.contains("no parked events"));
    shows(&one, 3).await;
    ada.bid(&one, 30_000).await.assert_status(201);
    shows(&one, 4).await;
    servers.verify();
}
