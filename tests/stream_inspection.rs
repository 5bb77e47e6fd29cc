//! `docs/streams.md` has a question of an operator in each heading, and below it the lines that answer it.
//! They are typed here, at a portal of which the answers are known.

use crate::support::components::Roles;
use crate::support::test_user::TestUser;
use crate::support::{eventually, portal, root, text};
use auction_local_servers::{LocalServerOptions, LocalServers};
use redis::aio::MultiplexedConnection;
use redis::{Value, cmd};
use serde_json::json;
use std::os::unix::fs::symlink;
use std::process::Command;
use tempfile::TempDir;
use uuid::Uuid;

/// A portal whose writer has gone: one bid is decided, one refused, one put away, and three wait, of which
/// one was given to a consumer that does not answer.
struct World {
    directory: TempDir,
    servers: LocalServers,
    roles: Roles,
    redis: MultiplexedConnection,
    /// Two digits.
    partition: String,
    auction: String,
    user: String,
    /// The decided bid.
    command: String,
    /// The entry that is stuck.
    entry: String,
    /// The number of the projector's process.
    projector: u32,
}

impl World {
    async fn new() -> World {
        let directory = tempfile::tempdir().unwrap();
        let servers =
            LocalServers::start(LocalServerOptions::new(directory.path().join("data"))).await.unwrap();
        let urls = [("redis_url", servers.redis_url()), ("database_url", servers.database_url())];
        let file: String = urls.iter().map(|(key, url)| format!("{key} = \"{url}\"\n")).collect();
        std::fs::write(directory.path().join("data/servers.toml"), file).unwrap();
        std::fs::create_dir_all(directory.path().join("target/release")).unwrap();
        symlink(env!("CARGO_BIN_EXE_portal"), directory.path().join("target/release/portal")).unwrap();
        let roles = Roles::start(&servers, 1);
        roles.ready().await;
        let (sue, ada) = (TestUser::new(&roles.url()).await, TestUser::new(&roles.url()).await);
        let auction = sue.offer(json!({})).await;
        let client = redis::Client::open(servers.redis_url()).unwrap();
        let redis = client.get_multiplexed_async_connection().await.unwrap();
        let partition = format!("{:02}", Uuid::parse_str(&auction).unwrap().as_u64_pair().1 % 8);
        let command = ada.bid(&auction, 20_001).await.is(201).text("bid");
        ada.bid(&auction, 20_000).await.is_problem(409, "not_above_your_latest");
        let projector = roles.pids("projector")[0];
        let (user, entry) = (ada.id.clone().unwrap(), String::new());
        let mut world =
            World { directory, servers, roles, redis, partition, auction, user, command, entry, projector };
        world.a_command_that_nobody_knows().await;
        world.without_a_writer(&ada).await;
        world
    }

    async fn redis<T: redis::FromRedisValue>(&self, line: &[&str]) -> T {
        cmd(line[0]).arg(&line[1..]).query_async(&mut self.redis.clone()).await.unwrap()
    }

    fn key(&self, rest: &str) -> String {
        format!("ap:{{{}}}:{rest}", self.partition)
    }

    async fn a_command_that_nobody_knows(&self) {
        let (bids, dead) = (self.key("cmd:bid"), self.key("dead"));
        let id = Uuid::new_v4().to_string();
        let raffle = ["XADD", &bids, "*", "id", &id, "kind", "raffle", "v", "1", "key", &self.auction];
        self.redis::<Value>(&raffle).await;
        eventually("it is put away", async || (self.redis::<u64>(&["XLEN", &dead]).await == 1).then_some(()))
            .await;
    }

    async fn without_a_writer(&mut self, ada: &TestUser) {
        eventually("all is done and shown", async || {
            let look = self.look();
            let partition = &look["partitions"][0];
            let checkpoint: Option<u64> = self.redis(&["GET", &self.key("view:1:checkpoint")]).await;
            let stored = partition["stored"].as_u64();
            (stored == partition["published"].as_u64() && stored == checkpoint).then_some(())
        })
        .await;
        let writer = self.roles.pids("writer")[0];
        assert_eq!(self.roles.end(writer, "-TERM"), Some(0));
        let path = format!("/auction/{}/bid", self.auction);
        for amount in 30_000..30_003 {
            ada.put(&path, json!({"amount": amount}), &[("prefer", "wait=0")]).await.is(202);
        }
        let bids = self.key("cmd:bid");
        let read = ["XREADGROUP", "GROUP", "writer", "silent", "COUNT", "1", "STREAMS", &bids, ">"];
        self.redis::<Value>(&read).await;
        let pending: Vec<(String, String, u64, u64)> =
            self.redis(&["XPENDING", &bids, "writer", "-", "+", "10"]).await;
        self.entry.clone_from(&pending[0].0);
        let in_work = format!("{bids} {}", self.entry);
        self.redis::<()>(&["HSET", &self.key("suspects"), "gone-1-1", &in_work]).await;
    }

    /// What `portal streams --json` says of the partition.
    fn look(&self) -> serde_json::Value {
        let mut streams = portal();
        streams.args(["streams", "--json", "--every", "0.1", "--partition", &self.partition]);
        let output = streams.arg("--data-dir").arg(self.directory.path().join("data")).output().unwrap();
        crate::support::last_line(&output)
    }

    /// `GET /streams` says what `portal streams` does.
    async fn http_says_the_same(&self) {
        let somebody = TestUser::nobody(&self.roles.url());
        let operator = [("x-user-role", "operator")];
        somebody.get("/streams", &[]).await.is_problem(403, "operators_only");
        let path = format!("/streams?partition={}&rates_over_ms=100", self.partition.trim_start_matches('0'));
        let path = path.replace("partition=&", "partition=0&");
        // The notifier may have something to do yet: they agree when it has done it.
        eventually("both say the same", async || {
            let mut http = somebody.get(&path, &operator).await.is(200).body.clone();
            let mut look = self.look();
            for look in [&mut look, &mut http] {
                assert!(look["partitions"][0]["streams"].as_array().unwrap().len() >= 5, "{look}");
                without_times(look);
            }
            (http == look).then_some(())
        })
        .await;
        let all = somebody.get("/streams", &operator).await;
        assert_eq!(all.is(200).body["partitions"].as_array().unwrap().len(), 8);
        somebody.get("/streams?every=1", &operator).await.is_problem(400, "invalid_request");
    }

    /// Types a block of a document into a shell.
    fn types(&self, script: &str) -> String {
        let output = Command::new("bash")
            .args(["-O", "expand_aliases", "-c", script])
            .current_dir(self.directory.path())
            .envs([("p", &self.partition), ("auction", &self.auction), ("user", &self.user)])
            .envs([("command", &self.command), ("entry", &self.entry), ("url", &self.roles.url())])
            .output()
            .unwrap();
        let said = text(&output);
        assert!(output.status.success() && !said.contains("ERR"), "{script}\n{said}");
        said
    }

    /// What is in the answer to each question.
    fn answers(&self, question: &str) -> Option<Vec<String>> {
        let World { partition: p, auction, user, command, entry, projector, .. } = self;
        let place_bid = |amount: u32| format!(r#""body":{{"amount":{amount}}}}}"#);
        let answers = match question {
            "How far behind is each role?" => {
                vec![self.key("cmd:bid"), "silent".to_owned(), "last-delivered-id".to_owned()]
            }
            "Who owns which partition?" => vec![format!("{p} \n"), format!("-{projector}-")],
            "Is anybody reading?" => vec!["idle".to_owned(), format!("-{projector}-")],
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
                    r#""postgres":{"condition":"works"}"#.to_owned(),
                    format!("\ngone-1-1\n{} {entry}\n", self.key("cmd:bid")),
                ]
            }
            "What is in the dead letters?" => vec![
                format!(r#""stream":"{}""#, self.key("cmd:bid")),
                r#""reason":"unreadable""#.to_owned(),
                "raffle".to_owned(),
                format!("{p}/"),
            ],
            "Which events could not be handled?" => vec!["nothing is parked".to_owned()],
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
        self.look()["partitions"][0]["stored"].as_u64().unwrap()
    }
}

/// What differs from one look to the next.
fn without_times(look: &mut serde_json::Value) {
    match look {
        serde_json::Value::Object(members) => {
            for changes in ["at_ms", "idle_ms", "oldest_age_ms"] {
                members.remove(changes);
            }
            members.values_mut().for_each(without_times);
        }
        serde_json::Value::Array(items) => items.iter_mut().for_each(without_times),
        _ => {}
    }
}

/// The headings of a document with the shell lines below each.
fn sections(document: &str) -> Vec<(String, String)> {
    let document = std::fs::read_to_string(root().join(document)).unwrap();
    let sections = document.split("\n#").skip(1).map(|section| {
        // A comment in a block of lines looks like a heading, and may be followed by another.
        let (heading, rest) = section.split_once('\n').unwrap_or((section, ""));
        let blocks = rest.split("```sh\n").skip(1).map(|block| block.split("```").next().unwrap());
        (heading.trim_start_matches('#').trim().to_owned(), blocks.collect::<Vec<_>>().join("\n"))
    });
    sections.filter(|(_, script)| !script.is_empty()).collect()
}

#[tokio::test]
async fn every_question_of_the_document_is_answered_by_its_lines() {
    let world = World::new().await;
    let mut questions = sections("docs/streams.md");
    let (before, definitions) = questions.remove(0);
    assert_eq!(before, "Before");
    assert!(questions.len() >= 18, "only {} questions found: is the search broken?", questions.len());
    for (question, script) in questions {
        let answers = world.answers(&question).unwrap_or_else(|| panic!("nobody knows: {question}"));
        let said = world.types(&format!("{definitions}\n{script}"));
        for answer in answers {
            assert!(said.contains(&answer), "{question}\n{answer:?} is not in\n{said}");
        }
    }
    // The same in the README.
    let readme = sections("README.md");
    let looking = readme.iter().find_map(|(_, script)| script.split_once("alias redis"));
    let (_, looking) = looking.expect("the README shows how to look at the streams");
    let looking = format!("alias redis{looking}").replace("{00}", &format!("{{{}}}", world.partition));
    let said = world.types(&looking);
    for expected in [r#""amount":30002"#, r#""kind":"bid_placed""#, "last-delivered-id"] {
        assert!(said.contains(expected), "{expected} is not in\n{said}");
    }
    world.servers.stop().await.unwrap();
}

#[tokio::test]
async fn portal_streams_says_who_is_behind_and_who_works() {
    let mut world = World::new().await;
    let bids = world.key("cmd:bid");
    let of = |look: &serde_json::Value, stream: &str, group: &str| {
        let streams = look["partitions"][0]["streams"].as_array().unwrap().clone();
        let stream = streams.into_iter().find(|one| one["stream"] == stream).unwrap();
        let groups = stream["groups"].as_array().unwrap().clone();
        groups.into_iter().find(|one| one["group"] == group).unwrap()
    };
    let look = world.look();
    let writer = of(&look, &bids, "writer");
    assert_eq!(
        (&writer["lag"], &writer["lag_is_exact"], &writer["pending"]),
        (&json!(2), &json!(true), &json!(1))
    );
    assert_eq!((&writer["owner"], &writer["lease"]), (&json!("silent"), &json!(null)));
    assert!(writer["oldest_age_ms"].as_u64().unwrap() < 120_000, "{writer}");
    assert_eq!(
        (&writer["done_per_second"], &look["partitions"][0]["dead_letters"]),
        (&json!(0.0), &json!(1))
    );
    let projector = of(&look, &world.key("evt"), "projector");
    assert_eq!(projector["lag"], 0);
    assert!(projector["owner"].as_str().unwrap().contains(&format!("-{}-", world.projector)), "{projector}");
    world.http_says_the_same().await;

    let table = world.types("target/release/portal streams --every 0.1");
    let line = table.lines().find(|line| line.starts_with(&bids)).unwrap();
    let words: Vec<&str> = line.split_whitespace().collect();
    assert_eq!((words[1], &words[3..6], *words.last().unwrap()), ("6", &["writer", "2", "1"][..], "silent"));

    let pid = world.roles.add("writer");
    eventually("a writer does what was left", async || {
        let writer = of(&world.look(), &bids, "writer");
        let done = writer["lag"] == 0 && writer["pending"] == 0 && writer["oldest_age_ms"].is_null();
        (done && writer["lease"].as_str()?.contains(&format!("-{pid}-"))).then_some(())
    })
    .await;
    let look = world.look();
    assert_eq!(look["partitions"][0]["stored"], look["partitions"][0]["published"]);
    let unknown = portal()
        .args(["streams", "--partition", "8", "--data-dir"])
        .arg(world.directory.path().join("data"))
        .output()
        .unwrap();
    assert_eq!(unknown.status.code(), Some(2), "{}", text(&unknown));
    world.servers.stop().await.unwrap();
}
