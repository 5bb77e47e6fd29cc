//! What makes a simulation believable: the modelled Redis answers as the real one does, whatever is asked in whatever
//! order by several clients, some of whom block.

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

/// A connection, by bytes: a client that blocks is one that has not been answered yet.
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
            .unwrap_or(Value::SimpleString("silence".to_owned()))
    }

    /// Whether something has come that nobody has read.
    async fn has_something(&mut self) -> bool {
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

/// What nobody looks at is left out: the words of errors, and most of what `XINFO STREAM` tells.
fn plain(value: &Value) -> String {
    let of = |name: &str| stream_worker::value::member(value, name).map(plain);
    match value {
        Value::ServerError(error) => format!("error {}", error.code()),
        Value::Array(_) if of("last-generated-id").is_some() => {
            format!("{:?} {:?} {:?}", of("length"), of("last-generated-id"), of("groups"))
        }
        Value::Array(values) => format!("[{}]", values.iter().map(plain).collect::<Vec<_>>().join(", ")),
        other => format!("{other:?}"),
    }
}

/// Names and values of a hash, which has no order.
fn plain_in_any_order(value: &Value) -> String {
    let Value::Array(flat) = value else { return plain(value) };
    let mut pairs: Vec<String> = flat.chunks(2).map(|pair| format!("{pair:?}")).collect();
    pairs.sort();
    pairs.join(", ")
}

struct Generator {
    random: Random,
    /// Ids of entries grow, most of the time.
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
            27 => self.of_a_hash(&consumer, n, count),
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

    fn of_a_hash(&mut self, field: &str, n: u64, value: u64) -> String {
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

/// A command in words; of a script what it is given.
fn shown(command: &Command) -> String {
    let words: Vec<_> = command.iter().map(|word| String::from_utf8_lossy(word)).collect();
    if words[0] == "EVAL" { words[3..].join(" ") } else { words.join(" ") }
}

/// Asks both the same, and compares what they say, and who is left without an answer.
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
            log.push(format!("no memory is left: {full}"));
            admin.send(&words(&format!("CONFIG SET maxmemory {}", u64::from(full)))).await;
            admin.receive().await;
            model.is_full(full);
        }
        let client = generator.random.below(CLIENTS);
        if blocked.contains_key(&client) {
            continue;
        }
        let mut command = generator.command(client as usize);
        let alone = [b"EVAL".to_vec(), b"XREAD".to_vec(), b"XREADGROUP".to_vec(), b"HGETALL".to_vec()];
        if alone.contains(&command[0]) && generator.in_transaction[client as usize] {
            command = words("XPENDING s g");
        }
        let plain = if command[0] == b"HGETALL" { plain_in_any_order } else { plain };
        log.push(format!("{client}: {}", shown(&command)));
        real[client as usize].send(&command).await;
        match model.run(client, step + 1, command) {
            Some(reply) => {
                let told = real[client as usize].receive().await;
                assert_eq!(plain(&told), plain(&value(&reply)), "seed {seed}, after\n{}", log.join("\n"));
            }
            None => drop(blocked.insert(client, ())),
        }
        for (client, reply) in model.answers() {
            blocked.remove(&client);
            served += 1;
            let told = real[client as usize].receive().await;
            assert_eq!(
                plain(&told),
                plain(&value(&reply)),
                "seed {seed}, {client} waited, after\n{}",
                log.join("\n")
            );
        }
        if blocked.len() as u64 == CLIENTS {
            break;
        }
    }
    // Whoever waits by the model waits, and nobody was told anything else.
    let free = (0..CLIENTS).find(|client| !blocked.contains_key(client));
    if let Some(free) = free.filter(|free| !generator.in_transaction[*free as usize]) {
        real[free as usize].send(&words("PING")).await;
        real[free as usize].receive().await;
    }
    for client in &mut real {
        assert!(!client.has_something().await, "seed {seed}: an answer too many, after\n{}", log.join("\n"));
    }
    served
}

#[tokio::test]
async fn redis_model_matches_redis() {
    let long = std::env::var_os("AUCTION_LONG").is_some();
    // One of its own: it will have no memory left at times.
    let (servers, _directory) = own_servers().await;
    let server = redis::Client::open(servers.redis_url()).unwrap();
    let mut served = 0;
    for seed in 0..if long { 20_000 } else { 120 } {
        served += compare(&server, seed, 120).await;
    }
    assert!(served > 50, "{served} clients that blocked were served");
}
