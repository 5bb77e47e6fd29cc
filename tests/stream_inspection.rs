//! Each heading of `docs/how-to/inspect-streams.md` and `docs/how-to/find-what-is-stuck.md` is a question of an
//! operator, followed by shell commands that answer it. The tests run these commands on a portal with known answers.

use crate::support::components::RunningComponents;
use crate::support::servers::TestServers;
use crate::support::test_user::TestUser;
use crate::support::{eventually, output_text, portal, root};
use redis::aio::MultiplexedConnection;
use redis::{Value, cmd};
use serde_json::json;
use std::os::unix::fs::symlink;
use std::process::Command;
use uuid::Uuid;

/// A portal whose writer is stopped. One bid is accepted, one refused, one dead-lettered and three are
/// undecided, of which one is pending for a consumer that does not respond.
struct InspectedPortal {
    servers: TestServers,
    components: RunningComponents,
    redis: MultiplexedConnection,
    /// Partition of the auction, with two digits.
    partition: String,
    auction: String,
    user: String,
    /// Command id of the accepted bid.
    command: String,
    /// Entry id of the bid that is pending for the silent consumer.
    entry: String,
    /// Process id of the projector.
    projector: u32,
}

impl InspectedPortal {
    async fn new() -> InspectedPortal {
        let servers = TestServers::start().await;
        let directory = servers.directory();
        let urls = [("redis_url", servers.redis_url()), ("database_url", servers.database_url())];
        let file: String = urls.iter().map(|(key, url)| format!("{key} = \"{url}\"\n")).collect();
        std::fs::write(directory.join("data/servers.toml"), file).unwrap();
        std::fs::create_dir_all(directory.join("target/release")).unwrap();
        symlink(env!("CARGO_BIN_EXE_portal"), directory.join("target/release/portal")).unwrap();
        let components = RunningComponents::start(&servers, 1).await;
        let (sue, ada) = (TestUser::new(&components.url()).await, TestUser::new(&components.url()).await);
        let auction = sue.create_auction(json!({})).await;
        let redis = servers.redis().await;
        let partition = format!("{:02}", Uuid::parse_str(&auction).unwrap().as_u64_pair().1 % 8);
        let command = ada.bid(&auction, 20_001).await.assert_status(201).text("bid");
        ada.bid(&auction, 20_000).await.assert_problem(409, "not_above_your_latest");
        let projector = components.pids("projector")[0];
        let (user, entry) = (ada.id.clone().unwrap(), String::new());
        let mut inspected = InspectedPortal {
            servers,
            components,
            redis,
            partition,
            auction,
            user,
            command,
            entry,
            projector,
        };
        inspected.add_unknown_command().await;
        inspected.stop_writer_and_send_bids(&ada).await;
        inspected
    }

    async fn redis<T: redis::FromRedisValue>(&self, line: &[&str]) -> T {
        cmd(line[0]).arg(&line[1..]).query_async(&mut self.redis.clone()).await.unwrap()
    }

    fn key(&self, rest: &str) -> String {
        format!("ap:{{{}}}:{rest}", self.partition)
    }

    async fn add_unknown_command(&self) {
        let (bids, dead) = (self.key("cmd:bid"), self.key("dead"));
        let id = Uuid::new_v4().to_string();
        let raffle = ["XADD", &bids, "*", "id", &id, "kind", "raffle", "v", "1", "key", &self.auction];
        self.redis::<Value>(&raffle).await;
        eventually("the command is dead-lettered", async || {
            (self.redis::<u64>(&["XLEN", &dead]).await == 1).then_some(())
        })
        .await;
    }

    async fn stop_writer_and_send_bids(&mut self, ada: &TestUser) {
        eventually("all events are published and in the read models", async || {
            let report = self.report();
            let partition = &report["partitions"][0];
            let checkpoint: Option<u64> = self.redis(&["GET", &self.key("read-model:1:checkpoint")]).await;
            let stored = partition["stored"].as_u64();
            (stored == partition["published"].as_u64() && stored == checkpoint).then_some(())
        })
        .await;
        let writer = self.components.pids("writer")[0];
        assert_eq!(self.components.stop_process(writer, "-TERM"), Some(0));
        let path = format!("/auction/{}/bid", self.auction);
        for amount in 30_000..30_003 {
            ada.put(&path, json!({"amount": amount}), &[("prefer", "wait=0")]).await.assert_status(202);
        }
        let bids = self.key("cmd:bid");
        let read = ["XREADGROUP", "GROUP", "writer", "silent", "COUNT", "1", "STREAMS", &bids, ">"];
        self.redis::<Value>(&read).await;
        let pending: Vec<(String, String, u64, u64)> =
            self.redis(&["XPENDING", &bids, "writer", "-", "+", "10"]).await;
        self.entry.clone_from(&pending[0].0);
        let marked_entry = format!("{bids} {}", self.entry);
        self.redis::<()>(&["HSET", &self.key("crash-marks"), "gone-1-1", &marked_entry]).await;
    }

    /// Returns the report of `portal streams --json` for the partition.
    fn report(&self) -> serde_json::Value {
        let mut streams = portal();
        streams.args(["streams", "--json", "--interval", "0.1", "--partition", &self.partition]);
        let output = streams.arg("--data-dir").arg(self.servers.directory().join("data")).output().unwrap();
        crate::support::last_json_line(&output)
    }

    /// Asserts that `GET /streams` returns the same report as `portal streams`.
    async fn assert_http_report_is_equal(&self) {
        let anonymous = TestUser::anonymous(&self.components.url());
        let operator = [("x-user-role", "operator")];
        anonymous.get("/streams", &[]).await.assert_problem(403, "operator_role_required");
        let path = format!("/streams?partition={}&rates_over_ms=100", self.partition.trim_start_matches('0'));
        let path = path.replace("partition=&", "partition=0&");
        // The notifier may still have work; the reports are equal afterwards.
        eventually("both reports are equal", async || {
            let mut http = anonymous.get(&path, &operator).await.assert_status(200).body.clone();
            let mut cli = self.report();
            for report in [&mut cli, &mut http] {
                assert!(report["partitions"][0]["streams"].as_array().unwrap().len() >= 5, "{report}");
                remove_times(report);
            }
            (http == cli).then_some(())
        })
        .await;
        let all = anonymous.get("/streams", &operator).await;
        assert_eq!(all.assert_status(200).body["partitions"].as_array().unwrap().len(), 8);
        anonymous.get("/streams?unknown=1", &operator).await.assert_problem(400, "invalid_request");
    }

    /// Runs a shell block of a document.
    fn run_script(&self, script: &str) -> String {
        let output = Command::new("bash")
            .args(["-e", "-o", "pipefail", "-O", "expand_aliases", "-c", script])
            .current_dir(self.servers.directory())
            .envs([("p", &self.partition), ("auction", &self.auction), ("user", &self.user)])
            .envs([("command", &self.command), ("entry", &self.entry)])
            .env("AUCTION_URL", self.components.url())
            .output()
            .unwrap();
        let printed = output_text(&output);
        assert!(output.status.success() && !printed.contains("ERR"), "{script}\n{printed}");
        printed
    }

    /// Returns texts that the output for a question must contain; `None` for an unknown question.
    fn expected_answers(&self, question: &str) -> Option<Vec<String>> {
        let InspectedPortal { partition: p, auction, user, command, entry, projector, .. } = self;
        let place_bid = |amount: u32| format!(r#""body":{{"amount":{amount}}}}}"#);
        let answers = match question {
            "How far does each component lag?" => {
                vec![self.key("cmd:bid"), "silent".to_owned(), "last-delivered-id".to_owned()]
            }
            "Who owns which partition?" => vec![format!("{p} \n"), format!("-{projector}-")],
            "Is a consumer reading?" => vec!["idle".to_owned(), format!("-{projector}-")],
            "Is the event stream where Postgres is?" => vec![format!("\n{0}-0\n{0}\n", self.head())],
            "Are the views where the events are?" => vec![format!("\n{}\n", self.head())],
            "What was sent last?" => vec![place_bid(30_002), r#""kind":"raffle""#.to_owned()],
            "What does this entry say?" => vec![format!(r#"{{"entry_id":"{entry}""#), place_bid(30_000)],
            "What happened between two moments?" => {
                vec![format!(r#""id":"{command}","kind":"place_bid""#), place_bid(20_000), place_bid(30_002)]
            }
            "Where is this command?" => vec![
                place_bid(20_001),
                format!("place_bid|{auction}|"),
                "accepted".to_owned(),
                format!(r#""kind":"bid_placed","v":"1","key":"{auction}""#),
            ],
            "What happened to this auction?" => vec![
                r#""kind":"bid_placed""#.to_owned(),
                r#""kind":"auction_created""#.to_owned(),
                "|1|auction_created|20".to_owned(),
                "|2|bid_placed|20".to_owned(),
                "Cartier wristwatch".to_owned(),
            ],
            "What did this user do?" => vec![place_bid(20_000), place_bid(30_001)],
            "Who bid that much?" => vec![r#""kind":"bid_placed""#.to_owned(), format!(r#""{user}""#)],
            "Which outcomes are on their way to an ingress?" => vec![
                " expires in ".to_owned(),
                r#""result":{"msgpack":{"refused":{"code":"not_above_your_latest""#.to_owned(),
            ],
            "What is stuck?" => vec![format!("\n{entry}\nsilent\n"), "\n1\n".to_owned()],
            "Why is it stuck?" => {
                vec![
                    r#""postgres":{"status":"up"}"#.to_owned(),
                    format!("\ngone-1-1\n{} {entry}\n", self.key("cmd:bid")),
                ]
            }
            "What is in the dead letters?" => vec![
                format!(r#""stream":"{}""#, self.key("cmd:bid")),
                r#""reason":"unreadable""#.to_owned(),
                "raffle".to_owned(),
                format!("{p}/"),
            ],
            "Which events could not be handled?" => vec!["no parked events".to_owned()],
            "How large is it?" => vec![
                "cmd:bid: 6 entries".to_owned(),
                "dead: 1 entries".to_owned(),
                "used_memory_human:".to_owned(),
                "events|".to_owned(),
            ],
            _ => return None,
        };
        Some(answers)
    }

    fn head(&self) -> u64 {
        self.report()["partitions"][0]["stored"].as_u64().unwrap()
    }
}

/// Removes members that differ between two reports.
fn remove_times(report: &mut serde_json::Value) {
    match report {
        serde_json::Value::Object(members) => {
            for member in ["observed_at_ms", "idle_ms", "oldest_age_ms"] {
                members.remove(member);
            }
            members.values_mut().for_each(remove_times);
        }
        serde_json::Value::Array(items) => items.iter_mut().for_each(remove_times),
        _ => {}
    }
}

/// Returns the headings of a document with the shell commands below each.
fn sections(document: &str) -> Vec<(String, String)> {
    let document = std::fs::read_to_string(root().join(document)).unwrap();
    let sections = document.split("\n#").skip(1).map(|section| {
        // A comment in a shell block looks like a heading, too; several may follow each other.
        let (heading, rest) = section.split_once('\n').unwrap_or((section, ""));
        let blocks = rest.split("```sh\n").skip(1).map(|block| block.split("```").next().unwrap());
        (heading.trim_start_matches('#').trim().to_owned(), blocks.collect::<Vec<_>>().join("\n"))
    });
    sections.filter(|(_, script)| !script.is_empty()).collect()
}

#[tokio::test]
async fn operators_can_inspect_the_streams() {
    let mut inspected = InspectedPortal::new().await;
    documented_stream_commands_answer_their_questions(&inspected);
    portal_streams_reports_lag_and_owners(&mut inspected).await;
}

fn documented_stream_commands_answer_their_questions(inspected: &InspectedPortal) {
    let mut questions = sections("docs/how-to/inspect-streams.md");
    let (before, definitions) = questions.remove(0);
    assert_eq!(before, "Before");
    questions.extend(sections("docs/how-to/find-what-is-stuck.md"));
    assert!(questions.len() >= 18, "only {} questions found: is the search broken?", questions.len());
    for (question, script) in questions {
        let answers = inspected
            .expected_answers(&question)
            .unwrap_or_else(|| panic!("the test has no answer for: {question}"));
        let printed = inspected.run_script(&format!("{definitions}\n{script}"));
        for answer in answers {
            assert!(printed.contains(&answer), "{question}\n{answer:?} is not in\n{printed}");
        }
    }
}

async fn portal_streams_reports_lag_and_owners(inspected: &mut InspectedPortal) {
    let bids = inspected.key("cmd:bid");
    let group_of = |report: &serde_json::Value, stream: &str, group: &str| {
        let streams = report["partitions"][0]["streams"].as_array().unwrap().clone();
        let stream = streams.into_iter().find(|one| one["stream"] == stream).unwrap();
        let groups = stream["groups"].as_array().unwrap().clone();
        groups.into_iter().find(|one| one["group"] == group).unwrap()
    };
    let report = inspected.report();
    let writer = group_of(&report, &bids, "writer");
    assert_eq!(
        (&writer["lag"], &writer["lag_is_exact"], &writer["pending"]),
        (&json!(2), &json!(true), &json!(1))
    );
    assert_eq!((&writer["owner"], &writer["lease"]), (&json!("silent"), &json!(null)));
    assert!(writer["oldest_age_ms"].as_u64().unwrap() < 120_000, "{writer}");
    assert_eq!(
        (&writer["acked_per_second"], &report["partitions"][0]["dead_letters"]),
        (&json!(0.0), &json!(1))
    );
    let projector = group_of(&report, &inspected.key("evt"), "projector");
    assert_eq!(projector["lag"], 0);
    assert!(
        projector["owner"].as_str().unwrap().contains(&format!("-{}-", inspected.projector)),
        "{projector}"
    );
    inspected.assert_http_report_is_equal().await;

    let table = inspected.run_script("target/release/portal streams --interval 0.1");
    let line = table.lines().find(|line| line.starts_with(&bids)).unwrap();
    let words: Vec<&str> = line.split_whitespace().collect();
    assert_eq!((words[1], &words[3..6], *words.last().unwrap()), ("6", &["writer", "2", "1"][..], "silent"));

    let pid = inspected.components.add("writer");
    eventually("the new writer has decided all commands", async || {
        let writer = group_of(&inspected.report(), &bids, "writer");
        let done = writer["lag"] == 0 && writer["pending"] == 0 && writer["oldest_age_ms"].is_null();
        (done && writer["lease"].as_str()?.contains(&format!("-{pid}-"))).then_some(())
    })
    .await;
    let report = inspected.report();
    assert_eq!(report["partitions"][0]["stored"], report["partitions"][0]["published"]);
    let unknown = portal()
        .args(["streams", "--partition", "8", "--data-dir"])
        .arg(inspected.servers.directory().join("data"))
        .output()
        .unwrap();
    assert_eq!(unknown.status.code(), Some(2), "{}", output_text(&unknown));
}
