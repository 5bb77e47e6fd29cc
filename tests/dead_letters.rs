//! A command that cannot be handled is put away alone; its sender sees that, an operator finds it, and
//! when it is sent again it has its effect, once.

use crate::support::components::Roles;
use crate::support::test_user::{Answer, TestUser};
use crate::support::{eventually, portal, text};
use auction_local_servers::{LocalServerOptions, LocalServers};
use redis::aio::MultiplexedConnection;
use redis::{Value, cmd};
use reqwest::Method;
use serde_json::json;
use uuid::Uuid;

type Fields = Vec<(String, Vec<u8>)>;

/// The only entry of a stream.
async fn only(redis: &mut MultiplexedConnection, stream: &str) -> (String, Fields) {
    let mut range = cmd("XRANGE");
    let entries: Vec<(String, Fields)> =
        range.arg(stream).arg("-").arg("+").query_async(redis).await.unwrap();
    assert_eq!(entries.len(), 1, "{stream}");
    entries.into_iter().next().unwrap()
}

/// Puts an entry with another kind in the place of an entry.
async fn change_kind(redis: &mut MultiplexedConnection, stream: &str, kind: &str) {
    let (id, mut fields) = only(redis, stream).await;
    fields.iter_mut().filter(|(name, _)| name == "kind").for_each(|(_, value)| *value = kind.into());
    let _: () = cmd("XDEL").arg(stream).arg(id).query_async(redis).await.unwrap();
    let mut add = cmd("XADD");
    add.arg(stream).arg("*");
    for (name, value) in fields {
        add.arg(name).arg(value);
    }
    let _: Value = add.query_async(redis).await.unwrap();
}

struct Operator<'a>(&'a LocalServers);

impl Operator<'_> {
    /// What `portal dead-letters` prints, and its exit code.
    fn letters(&self, args: &[&str]) -> (Option<i32>, String) {
        let mut letters = portal();
        letters.arg("dead-letters").args(args);
        letters.env("REDIS_URL", self.0.redis_url()).env("DATABASE_URL", self.0.database_url());
        let output = letters.output().unwrap();
        (output.status.code(), text(&output))
    }

    fn prints(&self, args: &[&str], parts: &[&str]) {
        let (code, printed) = self.letters(args);
        assert_eq!(code, Some(0), "{printed}");
        assert!(parts.iter().all(|part| printed.contains(part)), "{parts:?} in {printed}");
    }
}

/// An operator at the ingress.
struct Http(TestUser);

impl Http {
    fn new(roles: &Roles) -> Http {
        Http(TestUser::nobody(&roles.url()))
    }

    async fn send(&self, method: Method, path: &str) -> Answer {
        let path = format!("/dead-letters{path}");
        self.0.send(method, &path, None, &[("x-user-role", "operator")]).await
    }

    /// The one letter there is, a raffle.
    async fn finds(&self, auction: &str, letter: &str) {
        self.0.get("/dead-letters", &[]).await.is_problem(403, "operators_only");
        let list = self.send(Method::GET, &format!("?key={auction}&reason=unreadable&limit=1")).await;
        let found = &list.is(200).body["letters"][0];
        assert_eq!((&found["letter"], &found["kind"]), (&json!(letter), &json!("raffle")));
        assert_eq!(list.body.get("next"), None);
        let behind = self.send(Method::GET, &format!("?cursor={letter}")).await;
        assert_eq!(behind.is(200).body, json!({"letters": []}));
        let other = self.send(Method::GET, "?reason=panicked").await;
        assert_eq!(other.is(200).body, json!({"letters": []}));
        let whole = self.send(Method::GET, &format!("/{letter}")).await;
        let fields = whole.is(200).body["fields"].as_array().unwrap();
        assert!(fields.contains(&json!({"name": "body", "value": "{\"amount\":10000}"})), "{whole:?}");
        for nothing in ["/07/1-1", "/99/1-1", "/x/y"] {
            self.send(Method::GET, nothing).await.is_problem(404, "unknown_dead_letter");
        }
        self.send(Method::GET, "?older_than=1").await.is_problem(400, "invalid_request");
    }
}

#[tokio::test]
async fn a_dead_letter_is_seen_by_its_sender_found_and_sent_again_with_one_effect() {
    let directory = tempfile::tempdir().unwrap();
    let servers = LocalServers::start(LocalServerOptions::new(directory.path())).await.unwrap();
    let mut roles = Roles::start(&servers, 1);
    roles.ready().await;
    let (sue, ada) = (TestUser::new(&roles.url()).await, TestUser::new(&roles.url()).await);
    let auction = sue.offer(json!({})).await;
    let client = redis::Client::open(servers.redis_url()).unwrap();
    let mut redis = client.get_multiplexed_async_connection().await.unwrap();
    let partition = Uuid::parse_str(&auction).unwrap().as_u64_pair().1 % 8;
    let (stream, dead) = (format!("ap:{{{partition:02}}}:cmd:bid"), format!("ap:{{{partition:02}}}:dead"));

    // A program that does not know this kind of command yet.
    let writer = roles.pids("writer")[0];
    assert_eq!(roles.end(writer, "-TERM"), Some(0));
    let path = format!("/auction/{auction}/bid");
    let taken = ada.put(&path, json!({"amount": 10_000}), &[("prefer", "wait=0")]).await;
    let monitor = taken.is(202).header("location").to_owned();
    change_kind(&mut redis, &stream, "raffle").await;
    roles.add("writer");
    let failed = eventually("the sender is told", || async {
        let answer = ada.get(&monitor, &[]).await;
        (answer.body["status"] == "failed").then_some(answer)
    })
    .await;
    assert_eq!(failed.is(200).body["reason"], "unreadable");
    ada.bid(&auction, 20_000).await.is(201);

    let operator = Operator(&servers);
    operator.prints(&["list"], &["unreadable", "raffle", &auction]);
    let (_, line) = operator.letters(&["list", "--json", "--reason", "unreadable"]);
    let letter = line.split("\"letter\":\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    operator.prints(&["list", "--reason", "panicked"], &["no dead letters"]);
    operator.prints(&["show", &letter], &["raffle", "\"amount\":10000", &stream]);
    operator.prints(&["requeue", "--kind", "raffle", "--dry-run"], &["1 would be requeued"]);
    assert_eq!(operator.letters(&["requeue"]).0, Some(2), "all of them is not said by saying nothing");
    assert_eq!(operator.letters(&["drop", "07/1-1"]).0, Some(2));

    // Not mended: it comes back.
    let house = Http::new(&roles);
    house.finds(&auction, &letter).await;
    house.send(Method::POST, &format!("/{letter}/requeue")).await.is(200).text("entry");
    house.send(Method::POST, &format!("/{letter}/requeue")).await.is_problem(404, "unknown_dead_letter");
    eventually("it is put away again", || async {
        let answer = ada.get(&monitor, &[]).await;
        let length: u64 = cmd("XLEN").arg(&dead).query_async(&mut redis.clone()).await.unwrap();
        (answer.body["status"] == "failed" && length == 1).then_some(())
    })
    .await;
    // Mended.
    change_kind(&mut redis, &dead, "place_bid").await;
    operator.prints(&["requeue", "--key", &auction], &["requeued as"]);
    let decided = eventually("it is decided", || async {
        let answer = ada.get(&monitor, &[("prefer", "return=representation")]).await;
        (answer.body["status"] != "failed" && answer.body["status"] != "pending").then_some(answer)
    })
    .await;
    // It counts as received now: the bid of 20,000 was there first.
    decided.is_problem(409, "not_above_your_latest");
    operator.prints(&["list"], &["no dead letters"]);
    assert_eq!(operator.letters(&["requeue", &letter]).0, Some(2), "it is not there any more");
    roles.verify(&servers);
    servers.stop().await.unwrap();
}

#[tokio::test]
async fn a_letter_whose_command_was_decided_since_is_not_sent_again() {
    let directory = tempfile::tempdir().unwrap();
    let servers = LocalServers::start(LocalServerOptions::new(directory.path())).await.unwrap();
    let roles = Roles::start(&servers, 1);
    roles.ready().await;
    let (sue, ada) = (TestUser::new(&roles.url()).await, TestUser::new(&roles.url()).await);
    let auction = sue.offer(json!({})).await;
    ada.bid(&auction, 10_000).await.is(201);
    let client = redis::Client::open(servers.redis_url()).unwrap();
    let mut redis = client.get_multiplexed_async_connection().await.unwrap();
    let partition = Uuid::parse_str(&auction).unwrap().as_u64_pair().1 % 8;
    let stream = format!("ap:{{{partition:02}}}:cmd:bid");
    let (_, fields) = only(&mut redis, &stream).await;
    let mut add = cmd("XADD");
    add.arg(format!("ap:{{{partition:02}}}:dead")).arg("*").arg("stream").arg(&stream);
    add.arg("entry").arg("1-1").arg("reason").arg("panicked").arg("error").arg("by hand");
    for (name, value) in fields {
        add.arg(name).arg(value);
    }
    let _: Value = add.query_async(&mut redis).await.unwrap();
    let operator = Operator(&servers);
    let (code, printed) = operator.letters(&["requeue", "--all"]);
    assert_eq!(code, Some(1));
    assert!(printed.contains("was decided since"), "{printed}");
    let house = Http::new(&roles);
    let letter = house.send(Method::GET, "").await.is(200).body["letters"][0]["letter"].clone();
    let letter = letter.as_str().unwrap();
    house.send(Method::POST, &format!("/{letter}/requeue")).await.is_problem(409, "command_decided");
    house.send(Method::DELETE, &format!("/{letter}")).await.is(204);
    house.send(Method::DELETE, &format!("/{letter}")).await.is_problem(404, "unknown_dead_letter");
    operator.prints(&["drop", "--all"], &["0 dead letters"]);
    operator.prints(&["list"], &["no dead letters"]);
    servers.stop().await.unwrap();
}
