//! Comparison of the Redis model with a real Redis: random commands of several clients, some of which block,
//! must get the same replies.

#![allow(clippy::unwrap_used)]

use auction_simulation::redis::Redis;
use auction_simulation::reply::{Command, Reply};
use auction_testkit::local_servers::own_servers;
use auction_testkit::random::Random;
use redis::Value;
use std::collections::BTreeMap;
use std::time::Duration;
use stream_worker::{Connect, Socket};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const CLIENTS: u64 = 3;
const REMOVE_EMPTY_CONSUMERS: &str =
    include_str!("../../../lib/stream-worker/src/remove_empty_consumers.lua");

/// Raw connection. A client is blocked while its reply is outstanding.
struct Client {
    socket: Box<dyn Socket>,
    received: Vec<u8>,
}

impl Client {
    async fn open(server: &redis::Client) -> Client {
        Client { socket: server.connect().await.unwrap(), received: Vec::new() }
    }

    async fn send(&mut self, command: &Command) {
        let mut packed = redis::cmd(std::str::from_utf8(&command[0]).unwrap());
        for word in &command[1..] {
            packed.arg(word);
        }
        self.socket.write_all(&packed.get_packed_command()).await.unwrap();
    }

    async fn receive(&mut self) -> Value {
        let reading = async {
            loop {
                if let Ok(value) = redis::parse_redis_value(&self.received) {
                    self.received.clear();
                    return value;
                }
                assert_ne!(self.socket.read_buf(&mut self.received).await.unwrap(), 0, "closed");
            }
        };
        tokio::time::timeout(Duration::from_secs(3), reading)
            .await
            .unwrap_or(Value::SimpleString("no reply".to_owned()))
    }

    /// Returns whether unread bytes have arrived.
    async fn has_unread_bytes(&mut self) -> bool {
        tokio::time::timeout(Duration::from_millis(1), self.socket.read_u8()).await.is_ok()
    }
}

fn words(text: &str) -> Command {
    text.split(' ').map(|word| word.replace('_', " ").into_bytes()).collect()
}

fn value(reply: &Reply) -> Value {
    let mut bytes = Vec::new();
    reply.write(&mut bytes);
    redis::parse_redis_value(&bytes).unwrap()
}

/// Formats a reply for the comparison, without what the project does not use: error messages and most members
/// of `XINFO STREAM`.
fn comparable(value: &Value) -> String {
    let of = |name: &str| stream_worker::value::member(value, name).map(comparable);
    match value {
        Value::ServerError(error) => format!("error {}", error.code()),
        Value::Array(_) if of("last-generated-id").is_some() => {
            format!("{:?} {:?} {:?}", of("length"), of("last-generated-id"), of("groups"))
        }
        Value::Array(values) => format!("[{}]", values.iter().map(comparable).collect::<Vec<_>>().join(", ")),
        other => format!("{other:?}"),
    }
}

/// Formats the fields of a hash in a fixed order.
fn comparable_hash(value: &Value) -> String {
    let Value::Array(flat) = value else { return comparable(value) };
    let mut pairs: Vec<String> = flat.chunks(2).map(|pair| format!("{pair:?}")).collect();
    pairs.sort();
    pairs.join(", ")
}

struct Generator {
    random: Random,
    /// Next entry id. Most ids grow.
    next: u64,
    in_transaction: [bool; CLIENTS as usize],
}

impl Generator {
    fn pick(&mut self, of: &[&str]) -> String {
        (*self.random.pick(of)).to_owned()
    }

    fn id(&mut self) -> String {
        format!("{}-{}", self.random.below(self.next + 2), self.random.below(3))
    }

    fn command(&mut self, client: usize) -> Command {
        let (stream, other) = (self.pick(&["s", "t"]), self.pick(&["s", "t"]));
        let (group, consumer) = (self.pick(&["g", "g", "h"]), self.pick(&["a", "b", "c"]));
        let (count, n) = (1 + self.random.below(4), self.random.below(5));
        let blocks = !self.in_transaction[client] && self.random.chance(500);
        let block = if blocks { "BLOCK 0 " } else { "" };
        let noack = if self.random.chance(150) { "NOACK " } else { "" };
        let id = self.id();
        words(&match self.random.below(34) {
            0..6 => {
                self.next += self.random.below(2);
                format!("XADD {stream} {}-{} f {n} g x", self.next, self.random.below(3))
            }
            6 => format!("XADD {stream} NOMKSTREAM MAXLEN ~ 1000 {}-9 f {n}", self.next),
            7..9 => format!("XGROUP CREATE {stream} {group} 0 MKSTREAM"),
            9..12 => {
                format!("XREADGROUP GROUP {group} {consumer} COUNT {count} {block}{noack}STREAMS {stream} >")
            }
            12..14 => format!("XREADGROUP GROUP {group} {consumer} COUNT {count} {block}STREAMS s t > >"),
            14..16 => format!("XREADGROUP GROUP {group} {consumer} COUNT {count} STREAMS {stream} {id}"),
            16 => format!("XREAD COUNT {count} {block}STREAMS {stream} {id}"),
            17..19 => format!("XPENDING {stream} {group}"),
            19..21 => format!("XAUTOCLAIM {stream} {group} {consumer} 0 0-0 COUNT {count} JUSTID"),
            21 | 22 => format!("XACK {stream} {group} {id} {} {}", self.id(), self.id()),
            23 => format!("XINFO STREAM {stream}"),
            24 => format!("XREVRANGE {stream} + - COUNT {count}"),
            25 => return self.script(stream, group, consumer),
            26 => self.pick(&["SET k 1", "DEL k", "GET k", "SET m", "GET m"]).replace("SET m", "DEL m"),
            27 => self.hash_command(&consumer, n, count),
            28 => format!("ZADD z{n} 0 {consumer} 0 {group}"),
            29 => format!("ZREM z{n} {consumer} {group}"),
            30 if !self.in_transaction[client] => {
                self.pick(&["WATCH s", "WATCH k s", "WATCH t", "UNWATCH", "WATCH h1", "WATCH z1"])
            }
            31 | 32 if !self.in_transaction[client] => {
                self.in_transaction[client] = true;
                "MULTI".to_owned()
            }
            30..33 => {
                self.in_transaction[client] = false;
                "EXEC".to_owned()
            }
            _ => self.pick(&[
                "DEL s",
                "FLUSHALL",
                "DEL t",
                "PUBLISH p x",
                &format!("XADD {other} {}-0 f 1", self.next),
            ]),
        })
    }

    fn hash_command(&mut self, field: &str, n: u64, value: u64) -> String {
        self.pick(&[
            &format!("HSET h{n} {field} {n} x {value}"),
            &format!("HSET h1 {field} {value}"),
            &format!("HDEL h1 {field}"),
            "HDEL h1 x",
            "HGETALL h1",
            "HGETALL h1",
            "PEXPIRE h1 600000",
            "HGETALL k",
            "HDEL k x",
        ])
    }

    fn script(&mut self, stream: String, group: String, consumer: String) -> Command {
        let tail = match self.random.below(3) {
            0 => format!("1 {stream} {group} {consumer} 60000"),
            1 => format!("1 {stream} {group} {consumer} -1"),
            _ => format!("1 {stream} {group} - -1 {consumer}"),
        };
        let mut command = words("EVAL");
        command.push(REMOVE_EMPTY_CONSUMERS.as_bytes().to_vec());
        command.extend(words(&tail));
        command
    }
}

/// Formats a command. A script is reduced to its keys and arguments.
fn format_command(command: &Command) -> String {
    let words: Vec<_> = command.iter().map(|word| String::from_utf8_lossy(word)).collect();
    if words[0] == "EVAL" { words[3..].join(" ") } else { words.join(" ") }
}

/// Sends the same random commands to the model and to a real server, and compares replies and blocked
/// clients. Returns the number of blocked clients that were answered.
async fn compare(server: &redis::Client, seed: u64, steps: u64) -> u64 {
    let mut real: Vec<Client> = Vec::new();
    for _ in 0..CLIENTS {
        real.push(Client::open(server).await);
    }
    let mut admin = Client::open(server).await;
    for command in ["CONFIG SET maxmemory 0", "FLUSHALL"] {
        admin.send(&words(command)).await;
        admin.receive().await;
    }
    let mut model = Redis::default();
    let mut generator =
        Generator { random: Random::new(seed), next: 1, in_transaction: [false; CLIENTS as usize] };
    let (mut blocked, mut log) = (BTreeMap::new(), Vec::new());
    let mut served = 0;
    for step in 0..steps {
        if generator.random.chance(40) {
            let full = generator.random.chance(500);
            log.push(format!("out of memory: {full}"));
            admin.send(&words(&format!("CONFIG SET maxmemory {}", u64::from(full)))).await;
            admin.receive().await;
            model.set_full(full);
        }
        let client = generator.random.below(CLIENTS);
        if blocked.contains_key(&client) {
            continue;
        }
        let mut command = generator.command(client as usize);
        let not_queued = [b"EVAL".to_vec(), b"XREAD".to_vec(), b"XREADGROUP".to_vec(), b"HGETALL".to_vec()];
        if not_queued.contains(&command[0]) && generator.in_transaction[client as usize] {
            command = words("XPENDING s g");
        }
        let comparable = if command[0] == b"HGETALL" { comparable_hash } else { comparable };
        log.push(format!("{client}: {}", format_command(&command)));
        real[client as usize].send(&command).await;
        match model.run(client, step + 1, command) {
            Some(reply) => {
                let received = real[client as usize].receive().await;
                assert_eq!(
                    comparable(&received),
                    comparable(&value(&reply)),
                    "seed {seed}, after\n{}",
                    log.join("\n")
                );
            }
            None => drop(blocked.insert(client, ())),
        }
        for (client, reply) in model.answers() {
            blocked.remove(&client);
            served += 1;
            let received = real[client as usize].receive().await;
            assert_eq!(
                comparable(&received),
                comparable(&value(&reply)),
                "seed {seed}, client {client} was blocked, after\n{}",
                log.join("\n")
            );
        }
        if blocked.len() as u64 == CLIENTS {
            break;
        }
    }
    let free = (0..CLIENTS).find(|client| !blocked.contains_key(client));
    let free = free.filter(|free| !generator.in_transaction[*free as usize]);
    assert_no_unread_replies(&mut real, free, &format!("seed {seed}, after\n{}", log.join("\n"))).await;
    served
}

/// Asserts that clients that are blocked in the model are blocked on the server, and that no client has a
/// superfluous reply. A `PING` of a free client first gives the server time to send all replies.
async fn assert_no_unread_replies(real: &mut [Client], free: Option<u64>, context: &str) {
    if let Some(free) = free {
        real[free as usize].send(&words("PING")).await;
        real[free as usize].receive().await;
    }
    for client in real {
        assert!(!client.has_unread_bytes().await, "superfluous reply, {context}");
    }
}

#[tokio::test]
async fn redis_model_matches_redis() {
    let long = std::env::var_os("AUCTION_LONG").is_some();
    // A separate server: the test limits its memory.
    let (servers, _directory) = own_servers().await;
    let server = redis::Client::open(servers.redis_url()).unwrap();
    let mut served = 0;
    for seed in 0..if long { 20_000 } else { 120 } {
        served += compare(&server, seed, 120).await;
    }
    assert!(served > 50, "only {served} blocked clients were answered");
}
