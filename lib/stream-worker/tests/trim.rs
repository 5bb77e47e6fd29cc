//! Trimming on a real Redis: removes old entries, but none that a group still needs.

#![allow(clippy::unwrap_used)]

use auction_testkit::local_servers::{TestRedis, redis};
use auction_testkit::random::Random;
use redis::{Value, cmd};
use std::collections::BTreeSet;
use std::time::Duration;
use stream_worker::entry::{range_reply, read_reply};
use stream_worker::trim::{STEP_LIMIT, TrimPolicy, TrimResult, trim};
use stream_worker::{DedicatedConnection, EntryId};

const STREAM: &str = "{a}:stream";

/// Id after every entry, so that age keeps none of them.
const ALL: EntryId = EntryId { ms: u64::MAX, seq: 0 };

struct TrimTest {
    redis: TestRedis,
    connection: DedicatedConnection,
}

impl TrimTest {
    /// Each entry is a stream node of its own, so that trimming removes exactly the entries it may.
    async fn new() -> TrimTest {
        let redis = redis().await;
        redis.query::<()>(cmd("CONFIG").arg("SET").arg("stream-node-max-entries").arg(1)).await;
        let connection = DedicatedConnection::open(&redis.client(), Duration::from_secs(10)).await.unwrap();
        TrimTest { redis, connection }
    }

    /// Adds the entries `from-0` to `to-0`.
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

    async fn process(&self, group: &str, count: usize) {
        let entries = self.deliver(group, "worker", count).await;
        assert_eq!(entries.len(), count);
        self.acknowledge(group, &entries).await;
    }

    async fn trim(&mut self, keep_from: EntryId, keep: TrimPolicy) -> TrimResult {
        trim(&mut self.connection, STREAM, keep_from, keep).await.unwrap()
    }

    /// Returns the milliseconds of all remaining entries.
    async fn remaining(&self) -> Vec<u64> {
        let reply: Value = self.redis.query(cmd("XRANGE").arg(STREAM).arg("-").arg("+")).await;
        range_reply(reply).unwrap().iter().map(|entry| entry.id.ms).collect()
    }
}

fn id(ms: u64) -> EntryId {
    EntryId { ms, seq: 0 }
}

fn trimmed(removed: u64, oldest_unacknowledged: Option<u64>) -> TrimResult {
    TrimResult { removed, oldest_unacknowledged: oldest_unacknowledged.map(id) }
}

#[tokio::test]
async fn trim_removes_acknowledged_and_keeps_undelivered_entries() {
    let mut test = TrimTest::new().await;
    test.group("workers", "0").await;
    test.add(1, 10).await;
    assert_eq!(
        test.trim(ALL, TrimPolicy::KeepUnacknowledged).await,
        trimmed(0, Some(1)),
        "nothing is delivered yet"
    );
    test.process("workers", 6).await;
    assert_eq!(test.trim(ALL, TrimPolicy::KeepUnacknowledged).await, trimmed(6, Some(7)));
    assert_eq!(test.remaining().await, [7, 8, 9, 10]);
    test.process("workers", 4).await;
    assert_eq!(test.trim(ALL, TrimPolicy::KeepUnacknowledged).await, trimmed(4, None));
    assert_eq!(test.remaining().await.len(), 0);
    test.add(11, 11).await;
    assert_eq!(test.deliver("workers", "worker", 10).await, [id(11)], "the group continues at its position");
}

#[tokio::test]
async fn trim_keeps_pending_entries_of_every_consumer() {
    let mut test = TrimTest::new().await;
    test.group("workers", "0").await;
    test.add(1, 10).await;
    test.process("workers", 2).await;
    let orphaned = test.deliver("workers", "dead", 3).await;
    test.acknowledge("workers", &orphaned[1..]).await;
    test.process("workers", 5).await;
    assert_eq!(test.trim(ALL, TrimPolicy::KeepUnacknowledged).await, trimmed(2, Some(3)));
    let mut claim = cmd("XAUTOCLAIM");
    claim.arg(STREAM).arg("workers").arg("alive").arg(0).arg("0-0");
    test.redis.query::<Value>(&mut claim).await;
    assert_eq!(
        test.trim(ALL, TrimPolicy::KeepUnacknowledged).await,
        trimmed(0, Some(3)),
        "claimed is not acknowledged"
    );
    test.acknowledge("workers", &orphaned[..1]).await;
    assert_eq!(test.trim(ALL, TrimPolicy::KeepUnacknowledged).await, trimmed(8, None));
}

#[tokio::test]
async fn trim_keeps_entries_that_the_slowest_group_needs() {
    let mut test = TrimTest::new().await;
    test.group("fast", "0").await;
    test.group("slow", "0").await;
    test.add(1, 10).await;
    test.process("fast", 10).await;
    assert_eq!(test.trim(ALL, TrimPolicy::KeepUnacknowledged).await, trimmed(0, Some(1)));
    test.process("slow", 4).await;
    let pending = test.deliver("slow", "worker", 4).await;
    assert_eq!(test.trim(ALL, TrimPolicy::KeepUnacknowledged).await, trimmed(4, Some(5)));
    test.acknowledge("slow", &pending).await;
    assert_eq!(test.trim(ALL, TrimPolicy::KeepUnacknowledged).await, trimmed(4, Some(9)));
    assert_eq!(test.remaining().await, [9, 10]);
}

#[tokio::test]
async fn trim_keeps_everything_without_a_group() {
    let mut test = TrimTest::new().await;
    assert_eq!(test.trim(ALL, TrimPolicy::KeepUnacknowledged).await, trimmed(0, None), "no stream");
    assert_eq!(test.trim(ALL, TrimPolicy::KeepLast).await, trimmed(0, None));
    test.add(1, 3).await;
    assert_eq!(test.trim(ALL, TrimPolicy::KeepUnacknowledged).await, trimmed(0, Some(1)));
    assert_eq!(test.remaining().await.len(), 3);
    test.group("late", "$").await;
    assert_eq!(
        test.trim(ALL, TrimPolicy::KeepUnacknowledged).await,
        trimmed(3, None),
        "the group starts after them"
    );
}

#[tokio::test]
async fn trim_keeps_recent_acknowledged_entries() {
    let mut test = TrimTest::new().await;
    test.group("workers", "0").await;
    test.add(1, 10).await;
    test.process("workers", 10).await;
    assert_eq!(test.trim(id(5), TrimPolicy::KeepUnacknowledged).await, trimmed(4, None));
    assert_eq!(test.remaining().await, [5, 6, 7, 8, 9, 10]);
}

#[tokio::test]
async fn trim_keeps_the_last_entry_with_keep_last() {
    let mut test = TrimTest::new().await;
    test.group("slow", "0").await;
    test.add(1, 10).await;
    assert_eq!(test.trim(id(4), TrimPolicy::KeepLast).await.removed, 3);
    assert_eq!(test.trim(ALL, TrimPolicy::KeepLast).await.removed, 6, "regardless of the groups");
    assert_eq!(test.remaining().await, [10]);
    assert_eq!(test.trim(ALL, TrimPolicy::KeepLast).await.removed, 0);
}

/// Ids have 64-bit numbers, which Lua numbers cannot hold, and their order is not that of their texts.
#[tokio::test]
async fn trim_compares_ids_as_redis_does() {
    let mut test = TrimTest::new().await;
    test.group("workers", "0").await;
    let largest = "18446744073709551614-18446744073709551615";
    for id in ["9-9", "9-10", "10-0", "9007199254740993-0", "18446744073709551614-7", largest] {
        test.redis.query::<()>(cmd("XADD").arg(STREAM).arg(id).arg("n").arg(1)).await;
    }
    test.process("workers", 1).await;
    assert_eq!(
        test.trim(ALL, TrimPolicy::KeepUnacknowledged).await.oldest_unacknowledged,
        Some(EntryId { ms: 9, seq: 10 })
    );
    test.process("workers", 4).await;
    let before = "18446744073709551614-8".parse().unwrap();
    let undone = largest.parse().unwrap();
    let expected = TrimResult { removed: 3, oldest_unacknowledged: Some(undone) };
    assert_eq!(
        test.trim("9007199254740994-0".parse().unwrap(), TrimPolicy::KeepUnacknowledged).await,
        expected
    );
    assert_eq!(test.trim(before, TrimPolicy::KeepUnacknowledged).await.removed, 1);
    test.process("workers", 1).await;
    assert_eq!(
        test.trim(ALL, TrimPolicy::KeepUnacknowledged).await.removed,
        0,
        "the script cannot count past the last id"
    );
}

#[tokio::test]
async fn trim_step_is_bounded_and_reports_when_more_remains() {
    let mut test = TrimTest::new().await;
    test.group("workers", "$").await;
    test.add(1, 2 * STEP_LIMIT + 150).await;
    test.process("workers", usize::try_from(2 * STEP_LIMIT + 150).unwrap()).await;
    let mut steps = Vec::new();
    loop {
        let step = test.trim(ALL, TrimPolicy::KeepUnacknowledged).await;
        steps.push(step.removed);
        if !step.may_have_more() {
            break;
        }
    }
    assert!(steps.len() >= 3 && steps.iter().all(|step| *step <= STEP_LIMIT), "{steps:?}");
    assert_eq!(test.remaining().await.len(), 0);
}

/// Other transactions watch the stream: only a trim that removes entries may fail them.
#[tokio::test]
async fn trim_that_removes_nothing_fails_no_watch() {
    let mut test = TrimTest::new().await;
    test.group("workers", "0").await;
    test.add(1, 3).await;
    test.process("workers", 2).await;
    let mut watching = DedicatedConnection::open(&test.redis.client(), Duration::from_secs(5)).await.unwrap();
    for (keep_from, passes) in [(id(1), true), (ALL, false)] {
        watching.send_one(cmd("WATCH").arg(STREAM)).await.unwrap();
        test.trim(keep_from, TrimPolicy::KeepUnacknowledged).await;
        let mut transaction = redis::pipe();
        transaction.cmd("MULTI").cmd("PING").cmd("EXEC");
        let answer = watching.send(&transaction).await.unwrap().pop();
        assert_eq!(answer != Some(Value::Nil), passes);
    }
}

/// Producers, workers that acknowledge some entries, crashing workers and a constant trimmer: every entry is
/// handled.
#[tokio::test]
async fn trim_loses_no_unacknowledged_entry_under_load() {
    const ENTRIES: u64 = 2_000;
    let mut test = TrimTest::new().await;
    test.group("workers", "0").await;
    test.group("others", "0").await;
    let (mut handled, mut random) = ([BTreeSet::new(), BTreeSet::new()], Random::new(7));
    let mut trimming =
        DedicatedConnection::open(&test.redis.client(), Duration::from_secs(10)).await.unwrap();
    let trimmer = tokio::spawn(async move {
        let mut removed = 0;
        loop {
            let step = trim(&mut trimming, STREAM, ALL, TrimPolicy::KeepUnacknowledged).await.unwrap();
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
            test.add(added + 1, added + 50).await;
            added += 50;
        }
        for (handled, group) in handled.iter_mut().zip(["workers", "others"]) {
            // Now and then a worker crashes with pending entries, and the next one claims them.
            consumers += u64::from(random.chance(300));
            let name = format!("worker-{consumers}");
            let mut claim = cmd("XAUTOCLAIM");
            claim.arg(STREAM).arg(group).arg(&name).arg(0).arg("0-0").arg("COUNT").arg(20);
            let Value::Array(parts) = test.redis.query(&mut claim).await else { panic!("unexpected reply") };
            assert_eq!(parts[2], Value::Array(Vec::new()), "pending entries were removed");
            let claimed = range_reply(parts[1].clone()).unwrap();
            let delivered = test.deliver(group, &name, random.below(60) as usize + 1).await;
            let entries: Vec<EntryId> = claimed.iter().map(|entry| entry.id).chain(delivered).collect();
            let acknowledged: Vec<EntryId> = entries.into_iter().filter(|_| random.chance(700)).collect();
            handled.extend(acknowledged.iter().copied());
            if !acknowledged.is_empty() {
                test.acknowledge(group, &acknowledged).await;
            }
        }
    }
    tokio::time::timeout(Duration::from_secs(20), trimmer).await.expect("all entries are trimmed").unwrap();
    assert!(handled.iter().all(|handled| handled.iter().map(|id| id.ms).eq(1..=ENTRIES)));
}
