//! A command that cannot be processed is dead-lettered without affecting others. Its sender sees the failure,
//! an operator finds it, and after it is requeued it has its effect once.

use crate::support::components::RunningComponents;
use crate::support::servers::TestServers;
use crate::support::test_user::{HttpResponse, TestUser};
use crate::support::{eventually, output_text};
use redis::aio::MultiplexedConnection;
use redis::{Value, cmd};
use reqwest::Method;
use serde_json::json;
use uuid::Uuid;

type Fields = Vec<(String, Vec<u8>)>;

/// Returns the last entry of a stream.
async fn last_entry(redis: &mut MultiplexedConnection, stream: &str) -> (String, Fields) {
    let mut range = cmd("XREVRANGE");
    range.arg(stream).arg("+").arg("-").arg("COUNT").arg(1);
    let mut entries: Vec<(String, Fields)> = range.query_async(redis).await.unwrap();
    entries.pop().unwrap()
}

/// Replaces the last entry of a stream by one with another kind.
async fn change_kind(redis: &mut MultiplexedConnection, stream: &str, kind: &str) {
    let (id, mut fields) = last_entry(redis, stream).await;
    fields.iter_mut().filter(|(name, _)| name == "kind").for_each(|(_, value)| *value = kind.into());
    let _: () = cmd("XDEL").arg(stream).arg(id).query_async(redis).await.unwrap();
    let mut add = cmd("XADD");
    add.arg(stream).arg("*");
    for (name, value) in fields {
        add.arg(name).arg(value);
    }
    let _: Value = add.query_async(redis).await.unwrap();
}

struct CliOperator<'a>(&'a TestServers);

impl CliOperator<'_> {
    /// Runs `portal dead-letters`. Returns its exit code and output.
    fn dead_letters(&self, args: &[&str]) -> (Option<i32>, String) {
        let output = self.0.portal(&["dead-letters"]).args(args).output().unwrap();
        (output.status.code(), output_text(&output))
    }

    fn prints(&self, args: &[&str], parts: &[&str]) {
        let (code, printed) = self.dead_letters(args);
        assert_eq!(code, Some(0), "{printed}");
        assert!(parts.iter().all(|part| printed.contains(part)), "{parts:?} in {printed}");
    }
}

/// An operator that uses the HTTP API.
struct HttpOperator(TestUser);

impl HttpOperator {
    fn new(components: &RunningComponents) -> HttpOperator {
        HttpOperator(TestUser::anonymous(&components.url()))
    }

    async fn send(&self, method: Method, path: &str) -> HttpResponse {
        let path = format!("/dead-letters{path}");
        self.0.send(method, &path, None, &[("x-user-role", "operator")]).await
    }

    /// Asserts that the only dead letter, of the unknown kind `raffle`, can be listed and read.
    async fn assert_found(&self, auction: &str, dead_letter: &str) {
        self.0.get("/dead-letters", &[]).await.assert_problem(403, "operator_role_required");
        let list = self.send(Method::GET, &format!("?key={auction}&reason=unreadable&limit=1")).await;
        let found = &list.assert_status(200).body["dead_letters"][0];
        assert_eq!((&found["dead_letter"], &found["kind"]), (&json!(dead_letter), &json!("raffle")));
        assert_eq!(list.body.get("next"), None);
        let next_page = self.send(Method::GET, &format!("?cursor={dead_letter}")).await;
        assert_eq!(next_page.assert_status(200).body, json!({"dead_letters": []}));
        let other = self.send(Method::GET, "?reason=panicked").await;
        assert_eq!(other.assert_status(200).body, json!({"dead_letters": []}));
        let whole = self.send(Method::GET, &format!("/{dead_letter}")).await;
        let fields = whole.assert_status(200).body["fields"].as_array().unwrap();
        assert!(fields.contains(&json!({"name": "body", "value": "{\"amount\":10000}"})), "{whole:?}");
        for unknown in ["/07/1-1", "/99/1-1", "/x/y"] {
            self.send(Method::GET, unknown).await.assert_problem(404, "unknown_dead_letter");
        }
        self.send(Method::GET, "?older_than=1").await.assert_problem(400, "invalid_request");
    }
}

#[tokio::test]
async fn dead_letter_has_one_effect_when_requeued() {
    let servers = TestServers::start().await;
    let mut components = RunningComponents::start(&servers, 1).await;
    let (sue, ada) = (TestUser::new(&components.url()).await, TestUser::new(&components.url()).await);
    let auction = sue.create_auction(json!({})).await;
    let mut redis = servers.redis().await;
    let partition = Uuid::parse_str(&auction).unwrap().as_u64_pair().1 % 8;
    let (stream, dead) = (format!("ap:{{{partition:02}}}:cmd:bid"), format!("ap:{{{partition:02}}}:dead"));

    // The command is of a kind that the writer does not know.
    let writer = components.pids("writer")[0];
    assert_eq!(components.stop_process(writer, "-TERM"), Some(0));
    let path = format!("/auction/{auction}/bid");
    let accepted = ada.put(&path, json!({"amount": 10_000}), &[("prefer", "wait=0")]).await;
    let status = accepted.assert_status(202).header("location").to_owned();
    change_kind(&mut redis, &stream, "raffle").await;
    // It does not wait for a newer writer.
    components.add_with_settings("writer", &[("AUCTION__WRITER__UNKNOWN_KIND_WAIT_SECONDS", "0")]);
    let failed = eventually("the sender sees the failure", || async {
        let response = ada.get(&status, &[]).await;
        (response.body["status"] == "failed").then_some(response)
    })
    .await;
    assert_eq!(failed.assert_status(200).body["reason"], "unreadable");
    ada.bid(&auction, 20_000).await.assert_status(201);

    let operator = CliOperator(&servers);
    operator.prints(&["list"], &["unreadable", "raffle", &auction]);
    let (_, line) = operator.dead_letters(&["list", "--json", "--reason", "unreadable"]);
    let dead_letter = line.split("\"dead_letter\":\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    operator.prints(&["list", "--reason", "panicked"], &["no dead letters"]);
    operator.prints(&["show", &dead_letter], &["raffle", "\"amount\":10000", &stream]);
    operator.prints(&["requeue", "--kind", "raffle", "--dry-run"], &["1 would be requeued"]);
    assert_eq!(operator.dead_letters(&["requeue"]).0, Some(2), "requeueing all requires --all");
    assert_eq!(operator.dead_letters(&["drop", "07/1-1"]).0, Some(2));

    // Requeued without a fix, the command is dead-lettered again.
    let http = HttpOperator::new(&components);
    http.assert_found(&auction, &dead_letter).await;
    http.send(Method::POST, &format!("/{dead_letter}/requeue")).await.assert_status(200).text("entry");
    http.send(Method::POST, &format!("/{dead_letter}/requeue"))
        .await
        .assert_problem(404, "unknown_dead_letter");
    eventually("the command is dead-lettered again", || async {
        let response = ada.get(&status, &[]).await;
        let length: u64 = cmd("XLEN").arg(&dead).query_async(&mut redis.clone()).await.unwrap();
        (response.body["status"] == "failed" && length == 1).then_some(())
    })
    .await;
    // Requeued after the fix, the command is decided.
    change_kind(&mut redis, &dead, "place_bid").await;
    operator.prints(&["requeue", "--key", &auction], &["requeued as"]);
    let decided = eventually("the command is decided", || async {
        let response = ada.get(&status, &[("prefer", "return=representation")]).await;
        (response.body["status"] != "failed" && response.body["status"] != "pending").then_some(response)
    })
    .await;
    // The command counts as received now, after the bid of 20,000.
    decided.assert_problem(409, "not_above_your_latest");
    operator.prints(&["list"], &["no dead letters"]);
    assert_eq!(
        operator.dead_letters(&["requeue", &dead_letter]).0,
        Some(2),
        "the dead letter no longer exists"
    );
    servers.verify();
    dead_letter_is_not_requeued_when_already_decided(&components, &servers, [&sue, &ada]).await;
}

async fn dead_letter_is_not_requeued_when_already_decided(
    components: &RunningComponents,
    servers: &TestServers,
    [seller, bidder]: [&TestUser; 2],
) {
    let auction = seller.create_auction(json!({})).await;
    bidder.bid(&auction, 10_000).await.assert_status(201);
    let mut redis = servers.redis().await;
    let partition = Uuid::parse_str(&auction).unwrap().as_u64_pair().1 % 8;
    let stream = format!("ap:{{{partition:02}}}:cmd:bid");
    let (_, fields) = last_entry(&mut redis, &stream).await;
    let mut add = cmd("XADD");
    add.arg(format!("ap:{{{partition:02}}}:dead")).arg("*").arg("stream").arg(&stream);
    add.arg("entry").arg("1-1").arg("reason").arg("panicked").arg("error").arg("added by the test");
    for (name, value) in fields {
        add.arg(name).arg(value);
    }
    let _: Value = add.query_async(&mut redis).await.unwrap();
    let operator = CliOperator(servers);
    let (code, printed) = operator.dead_letters(&["requeue", "--all"]);
    assert_eq!(code, Some(1));
    assert!(printed.contains("is already decided") && printed.contains("\n1 dead letter"), "{printed}");
    let http = HttpOperator::new(components);
    let dead_letter =
        http.send(Method::GET, "").await.assert_status(200).body["dead_letters"][0]["dead_letter"].clone();
    let dead_letter = dead_letter.as_str().unwrap();
    http.send(Method::POST, &format!("/{dead_letter}/requeue"))
        .await
        .assert_problem(409, "command_already_decided");
    http.send(Method::DELETE, &format!("/{dead_letter}")).await.assert_status(204);
    http.send(Method::DELETE, &format!("/{dead_letter}")).await.assert_problem(404, "unknown_dead_letter");
    operator.prints(&["drop", "--all"], &["0 dead letters"]);
    operator.prints(&["list"], &["no dead letters"]);
}
