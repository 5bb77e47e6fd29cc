//! Trimming on a real Redis: old entries go, and none that a group still needs.

#![allow(clippy::unwrap_used)]

use auction_testkit::local_servers::{TestRedis, redis};
use auction_testkit::random::Random;
use redis::{Value, cmd};
use std::collections::BTreeSet;
use std::time::Duration;
use stream_worker::entry::{range_reply, read_reply};
use stream_worker::trim::{STEP, TrimPolicy, Trimmed, trim};
use stream_worker::{DedicatedConnection, EntryId};

const STREAM: &str = "{a}:stream";

/// Later than every entry.
const ALL: EntryId = EntryId { ms: u64::MAX, seq: 0 };

struct Bench {
    redis: TestRedis,
    connection: DedicatedConnection,
}

impl Bench {
    /// Each entry is a node of its own, so that all go that may.
    async fn new() -> Bench {
        let redis = redis().await;
        redis.query::<()>(cmd("CONFIG").arg("SET").arg("stream-node-max-entries").arg(1)).await;
        let connection = DedicatedConnection::open(&redis.client(), Duration::from_secs(10)).await.unwrap();
        Bench { redis, connection }
    }

    /// Entries `from-0` to `to-0`.
    async fn add(&mut self, from: u64, to: u64) {
        let mut add = redis::pipe();
        for id in from..=to {
            add.cmd("XADD").arg(STREAM).arg(format!("{id}-0")).arg("n").arg(id);
        }
        self.connection.send(&add).await.unwrap();
    }

    async fn group(&self, name: &str, at: &str) {
        let mut make = cmd("XGROUP");
        self.redis.query::<()>(make.arg("CREATE").arg(STREAM).arg(name).arg(at).arg("MKSTREAM")).await;
    }

    async fn deliver(&self, group: &str, consumer: &str, count: usize) -> Vec<EntryId> {
        let mut read = cmd("XREADGROUP");
        read.arg("GROUP").arg(group).arg(consumer).arg("COUNT").arg(count).arg("STREAMS").arg(STREAM);
        let reply: Value = self.redis.query(read.arg(">")).await;
        read_reply(&[STREAM.to_owned()], reply).unwrap().into_iter().map(|entry| entry.id).collect()
    }

    async fn acknowledge(&self, group: &str, entries: &[EntryId]) {
        let mut acknowledge = cmd("XACK");
        acknowledge.arg(STREAM).arg(group);
        entries.iter().for_each(|entry| {
            acknowledge.arg(entry.to_string());
        });
        self.redis.query::<()>(&mut acknowledge).await;
    }

    async fn done(&self, group: &str, count: usize) {
        let entries = self.deliver(group, "worker", count).await;
        assert_eq!(entries.len(), count);
        self.acknowledge(group, &entries).await;
    }

    async fn trim(&mut self, keep_from: EntryId, keep: TrimPolicy) -> Trimmed {
        trim(&mut self.connection, STREAM, keep_from, keep).await.unwrap()
    }

    /// The milliseconds of all entries that are left.
    async fn left(&self) -> Vec<u64> {
        let reply: Value = self.redis.query(cmd("XRANGE").arg(STREAM).arg("-").arg("+")).await;
        range_reply(reply).unwrap().iter().map(|entry| entry.id.ms).collect()
    }
}

fn id(ms: u64) -> EntryId {
    EntryId { ms, seq: 0 }
}

fn trimmed(removed: u64, oldest_undone: Option<u64>) -> Trimmed {
    Trimmed { removed, oldest_undone: oldest_undone.map(id) }
}

#[tokio::test]
async fn what_is_done_goes_and_what_was_not_delivered_stays() {
    let mut bench = Bench::new().await;
    bench.group("workers", "0").await;
    bench.add(1, 10).await;
    assert_eq!(bench.trim(ALL, TrimPolicy::Undone).await, trimmed(0, Some(1)), "nobody was given anything");
    bench.done("workers", 6).await;
    assert_eq!(bench.trim(ALL, TrimPolicy::Undone).await, trimmed(6, Some(7)));
    assert_eq!(bench.left().await, [7, 8, 9, 10]);
    bench.done("workers", 4).await;
    assert_eq!(bench.trim(ALL, TrimPolicy::Undone).await, trimmed(4, None));
    assert_eq!(bench.left().await.len(), 0);
    bench.add(11, 11).await;
    assert_eq!(bench.deliver("workers", "worker", 10).await, [id(11)], "the group goes on where it was");
}

#[tokio::test]
async fn what_is_pending_stays_with_whomever_and_however_old() {
    let mut bench = Bench::new().await;
    bench.group("workers", "0").await;
    bench.add(1, 10).await;
    bench.done("workers", 2).await;
    let of_the_dead = bench.deliver("workers", "dead", 3).await;
    bench.acknowledge("workers", &of_the_dead[1..]).await;
    bench.done("workers", 5).await;
    assert_eq!(bench.trim(ALL, TrimPolicy::Undone).await, trimmed(2, Some(3)));
    let mut claim = cmd("XAUTOCLAIM");
    claim.arg(STREAM).arg("workers").arg("alive").arg(0).arg("0-0");
    bench.redis.query::<Value>(&mut claim).await;
    assert_eq!(bench.trim(ALL, TrimPolicy::Undone).await, trimmed(0, Some(3)), "claimed is not done");
    bench.acknowledge("workers", &of_the_dead[..1]).await;
    assert_eq!(bench.trim(ALL, TrimPolicy::Undone).await, trimmed(8, None));
}

#[tokio::test]
async fn the_slowest_group_decides() {
    let mut bench = Bench::new().await;
    bench.group("fast", "0").await;
    bench.group("slow", "0").await;
    bench.add(1, 10).await;
    bench.done("fast", 10).await;
    assert_eq!(bench.trim(ALL, TrimPolicy::Undone).await, trimmed(0, Some(1)));
    bench.done("slow", 4).await;
    let pending = bench.deliver("slow", "worker", 4).await;
    assert_eq!(bench.trim(ALL, TrimPolicy::Undone).await, trimmed(4, Some(5)));
    bench.acknowledge("slow", &pending).await;
    assert_eq!(bench.trim(ALL, TrimPolicy::Undone).await, trimmed(4, Some(9)));
    assert_eq!(bench.left().await, [9, 10]);
}

#[tokio::test]
async fn without_a_group_nothing_goes() {
    let mut bench = Bench::new().await;
    assert_eq!(bench.trim(ALL, TrimPolicy::Undone).await, trimmed(0, None), "no stream");
    assert_eq!(bench.trim(ALL, TrimPolicy::Last).await, trimmed(0, None));
    bench.add(1, 3).await;
    assert_eq!(bench.trim(ALL, TrimPolicy::Undone).await, trimmed(0, Some(1)));
    assert_eq!(bench.left().await.len(), 3);
    bench.group("late", "$").await;
    assert_eq!(
        bench.trim(ALL, TrimPolicy::Undone).await,
        trimmed(3, None),
        "a group that begins behind them"
    );
}

#[tokio::test]
async fn what_is_young_stays_although_it_is_done() {
    let mut bench = Bench::new().await;
    bench.group("workers", "0").await;
    bench.add(1, 10).await;
    bench.done("workers", 10).await;
    assert_eq!(bench.trim(id(5), TrimPolicy::Undone).await, trimmed(4, None));
    assert_eq!(bench.left().await, [5, 6, 7, 8, 9, 10]);
}

#[tokio::test]
async fn the_last_entry_stays_if_that_is_asked_for() {
    let mut bench = Bench::new().await;
    bench.group("slow", "0").await;
    bench.add(1, 10).await;
    assert_eq!(bench.trim(id(4), TrimPolicy::Last).await.removed, 3);
    assert_eq!(bench.trim(ALL, TrimPolicy::Last).await.removed, 6, "whatever the groups need");
    assert_eq!(bench.left().await, [10]);
    assert_eq!(bench.trim(ALL, TrimPolicy::Last).await.removed, 0);
}

/// Numbers of 64 bits, which Lua does not have, and ids that are not in the order of their texts.
#[tokio::test]
async fn ids_are_compared_as_redis_compares_them() {
    let mut bench = Bench::new().await;
    bench.group("workers", "0").await;
    let largest = "18446744073709551614-18446744073709551615";
    for id in ["9-9", "9-10", "10-0", "9007199254740993-0", "18446744073709551614-7", largest] {
        bench.redis.query::<()>(cmd("XADD").arg(STREAM).arg(id).arg("n").arg(1)).await;
    }
    bench.done("workers", 1).await;
    assert_eq!(bench.trim(ALL, TrimPolicy::Undone).await.oldest_undone, Some(EntryId { ms: 9, seq: 10 }));
    bench.done("workers", 4).await;
    let before = "18446744073709551614-8".parse().unwrap();
    let undone = largest.parse().unwrap();
    let expected = Trimmed { removed: 3, oldest_undone: Some(undone) };
    assert_eq!(bench.trim("9007199254740994-0".parse().unwrap(), TrimPolicy::Undone).await, expected);
    assert_eq!(bench.trim(before, TrimPolicy::Undone).await.removed, 1);
    bench.done("workers", 1).await;
    assert_eq!(bench.trim(ALL, TrimPolicy::Undone).await.removed, 0, "one stays that cannot be counted past");
}

#[tokio::test]
async fn a_step_is_bounded_and_says_when_there_is_more() {
    let mut bench = Bench::new().await;
    bench.group("workers", "$").await;
    bench.add(1, 2 * STEP + 150).await;
    bench.done("workers", usize::try_from(2 * STEP + 150).unwrap()).await;
    let mut steps = Vec::new();
    loop {
        let step = bench.trim(ALL, TrimPolicy::Undone).await;
        steps.push(step.removed);
        if !step.more() {
            break;
        }
    }
    assert!(steps.len() >= 3 && steps.iter().all(|step| *step <= STEP), "{steps:?}");
    assert_eq!(bench.left().await.len(), 0);
}

/// A guard of somebody else's transaction is touched only if something went.
#[tokio::test]
async fn a_step_that_takes_nothing_touches_no_watch() {
    let mut bench = Bench::new().await;
    bench.group("workers", "0").await;
    bench.add(1, 3).await;
    bench.done("workers", 2).await;
    let mut watching =
        DedicatedConnection::open(&bench.redis.client(), Duration::from_secs(5)).await.unwrap();
    for (keep_from, passes) in [(id(1), true), (ALL, false)] {
        watching.send_one(cmd("WATCH").arg(STREAM)).await.unwrap();
        bench.trim(keep_from, TrimPolicy::Undone).await;
        let mut transaction = redis::pipe();
        transaction.cmd("MULTI").cmd("PING").cmd("EXEC");
        let answer = watching.send(&transaction).await.unwrap().pop();
        assert_eq!(answer != Some(Value::Nil), passes);
    }
}

/// Producers, workers that acknowledge some, a worker that dies, and a trimmer that never rests: whatever
/// was added is handled.
#[tokio::test]
async fn nothing_undone_is_lost_under_load() {
    const ENTRIES: u64 = 2_000;
    let mut bench = Bench::new().await;
    bench.group("workers", "0").await;
    bench.group("others", "0").await;
    let (mut handled, mut random) = ([BTreeSet::new(), BTreeSet::new()], Random::new(7));
    let mut trimming =
        DedicatedConnection::open(&bench.redis.client(), Duration::from_secs(10)).await.unwrap();
    let trimmer = tokio::spawn(async move {
        let mut removed = 0;
        loop {
            let step = trim(&mut trimming, STREAM, ALL, TrimPolicy::Undone).await.unwrap();
            removed += step.removed;
            if removed == ENTRIES {
                return;
            }
            tokio::task::yield_now().await;
        }
    });
    let mut added = 0;
    let mut consumers = 0;
    while handled.iter().any(|handled| handled.len() as u64 != ENTRIES) {
        if added < ENTRIES {
            bench.add(added + 1, added + 50).await;
            added += 50;
        }
        for (handled, group) in handled.iter_mut().zip(["workers", "others"]) {
            // Now and then a worker dies with what it was given, and the next takes it over.
            consumers += u64::from(random.chance(300));
            let name = format!("worker-{consumers}");
            let mut claim = cmd("XAUTOCLAIM");
            claim.arg(STREAM).arg(group).arg(&name).arg(0).arg("0-0").arg("COUNT").arg(20);
            let Value::Array(parts) = bench.redis.query(&mut claim).await else { panic!("no answer") };
            assert_eq!(parts[2], Value::Array(Vec::new()), "entries went that were pending");
            let claimed = range_reply(parts[1].clone()).unwrap();
            let delivered = bench.deliver(group, &name, random.below(60) as usize + 1).await;
            let entries: Vec<EntryId> = claimed.iter().map(|entry| entry.id).chain(delivered).collect();
            let done: Vec<EntryId> = entries.into_iter().filter(|_| random.chance(700)).collect();
            handled.extend(done.iter().copied());
            if !done.is_empty() {
                bench.acknowledge(group, &done).await;
            }
        }
    }
    tokio::time::timeout(Duration::from_secs(20), trimmer).await.expect("all is trimmed").unwrap();
    assert!(handled.iter().all(|handled| handled.iter().map(|id| id.ms).eq(1..=ENTRIES)));
}
