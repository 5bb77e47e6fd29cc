//! An event that the projector cannot read is parked with its auction; others go on, an operator sees it,
//! and when it can be read it is handled with all that waited.

use crate::support::components::Roles;
use crate::support::test_user::TestUser;
use crate::support::{database, eventually, portal, text};
use auction_local_servers::{LocalServerOptions, LocalServers};
use serde_json::json;
use uuid::Uuid;

/// What `portal parked` prints, and its exit code.
fn parked(servers: &LocalServers, args: &[&str]) -> (Option<i32>, String) {
    let mut parked = portal();
    parked.arg("parked").args(args);
    parked.env("REDIS_URL", servers.redis_url()).env("DATABASE_URL", servers.database_url());
    let output = parked.output().unwrap();
    (output.status.code(), text(&output))
}

/// Only the owner of the table can, and only like that.
async fn change_kind(servers: &LocalServers, auction: &str, version: i64, kind: &str) {
    let database = database(servers.database_url()).await;
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

/// An operator sees the same at the ingress, and asks in vain.
async fn over_http(somebody: &TestUser, auction: &str) {
    let operator = [("x-user-role", "operator")];
    somebody.get("/parked", &[]).await.is_problem(403, "operators_only");
    let path = format!("/parked?service=projector&key={auction}&reason=unreadable");
    let list = somebody.get(&path, &operator).await;
    assert_eq!(list.is(200).body["parked"][0]["kind"], "bid_raffled");
    let none = somebody.get("/parked?reason=panicked", &operator).await;
    assert_eq!(none.is(200).body, json!({"parked": []}));
    let path = format!("/parked/projector/{auction}");
    let whole = somebody.get(&path, &operator).await;
    let waiting = whole.is(200).body["waiting"].as_array().unwrap();
    assert_eq!((waiting.len(), &waiting[1]["body"]["amount"]), (2, &json!(20_000)), "{whole:?}");
    let asked = somebody.post(&format!("{path}/retry"), json!({}), &operator).await;
    assert_eq!(asked.is(202).body["asked"], "retry");
    eventually("it was tried", || async {
        let now = somebody.get(&path, &operator).await;
        now.is(200).body.get("asked").is_none().then_some(())
    })
    .await;
    let other = format!("/parked/notifier/{auction}x");
    somebody.get(&other, &operator).await.is_problem(404, "not_parked");
    somebody.post(&format!("{other}/drop"), json!({}), &operator).await.is_problem(404, "not_parked");
}

#[tokio::test]
async fn what_the_projector_cannot_read_waits_with_its_auction_and_is_handled_later() {
    let directory = tempfile::tempdir().unwrap();
    let servers = LocalServers::start(LocalServerOptions::new(directory.path())).await.unwrap();
    let mut roles = Roles::start(&servers, 1);
    roles.ready().await;
    let (sue, ada) = (TestUser::new(&roles.url()).await, TestUser::new(&roles.url()).await);
    let (one, other) = (sue.offer(json!({})).await, sue.offer(json!({})).await);
    let show = async |auction: &str| ada.get(&format!("/auction/{auction}"), &[]).await.body;
    let shows = async |auction: &str, version: u64| {
        eventually("it is shown", async || (show(auction).await["version"] == version).then_some(())).await;
    };
    shows(&one, 1).await;

    // A bid of a newer program comes while the projector is away; its stream is trimmed meanwhile.
    let projector = roles.pids("projector")[0];
    assert_eq!(roles.end(projector, "-TERM"), Some(0));
    ada.bid(&one, 10_000).await.is(201);
    ada.bid(&one, 20_000).await.is(201);
    change_kind(&servers, &one, 2, "bid_raffled").await;
    let client = redis::Client::open(servers.redis_url()).unwrap();
    let mut redis = client.get_multiplexed_async_connection().await.unwrap();
    let partition = Uuid::parse_str(&one).unwrap().as_u64_pair().1 % 8;
    let mut trim = redis::cmd("XTRIM");
    trim.arg(format!("ap:{{{partition:02}}}:evt")).arg("MAXLEN").arg(0);
    let _: u64 = trim.query_async(&mut redis).await.unwrap();
    roles.add("projector");

    ada.bid(&other, 10_000).await.is(201);
    shows(&other, 2).await;
    eventually("it is parked", async || parked(&servers, &["list"]).1.contains(&one).then_some(())).await;
    assert_eq!(show(&one).await["version"], 1, "the auction stands still");
    let (code, printed) = parked(&servers, &["list", "--service", "projector", "--json"]);
    assert_eq!(code, Some(0));
    assert!(printed.contains("\"kind\":\"bid_raffled\"") && printed.contains("unreadable"), "{printed}");
    let (_, printed) = parked(&servers, &["show", "--key", &one]);
    assert!(printed.contains("2 events wait") && printed.contains("\"amount\":20000"), "{printed}");
    let (_, printed) = parked(&servers, &["retry", "--key", &one, "--dry-run"]);
    assert!(printed.contains("1 would be tried again"), "{printed}");
    over_http(&ada, &one).await;
    assert_eq!(parked(&servers, &["retry"]).0, Some(2), "all of them is not said by saying nothing");
    let (code, printed) = parked(&servers, &["retry", "--service", "projector"]);
    assert_eq!(code, Some(1), "{printed}");
    assert!(printed.contains("stays parked"), "{printed}");

    // A program that can read it; also after it was started anew.
    change_kind(&servers, &one, 2, "bid_placed").await;
    let projector = roles.pids("projector")[0];
    roles.end(projector, "-KILL");
    roles.add("projector");
    let (code, printed) = parked(&servers, &["retry", "--all"]);
    assert_eq!(code, Some(0), "{printed}");
    assert!(parked(&servers, &["list"]).1.contains("nothing is parked"));
    shows(&one, 3).await;
    ada.bid(&one, 30_000).await.is(201);
    shows(&one, 4).await;
    roles.verify(&servers);
    servers.stop().await.unwrap();
}
