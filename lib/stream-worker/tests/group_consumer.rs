//! Group consumers on a real Redis.

#![allow(clippy::unwrap_used)]

use auction_testkit::local_servers::{TestRedis, eventually, redis};
use redis::{Value, cmd};
use std::time::Duration;
use stream_worker::consumer::pending;
use stream_worker::{ConsumerOptions, DedicatedConnection, Entry, EntryId, GroupConsumer};

const GROUP: &str = "workers";

fn options(block: Duration, count: usize, priority_streams: usize) -> ConsumerOptions {
    let streams = vec!["{a}:first".to_owned(), "{a}:second".to_owned()];
    ConsumerOptions {
        group: GROUP.to_owned(),
        streams,
        priority_streams,
        count,
        block,
        blocking: true,
        linger: Duration::ZERO,
        ack_required: true,
        crash_tracking: None,
    }
}

fn short_block(count: usize) -> ConsumerOptions {
    options(Duration::from_millis(20), count, 1)
}

async fn add(redis: &TestRedis, stream: &str, count: usize) -> Vec<EntryId> {
    let mut ids = Vec::new();
    for n in 0..count {
        let id: String = redis.query(cmd("XADD").arg(stream).arg("*").arg("n").arg(n)).await;
        ids.push(id.parse().unwrap());
    }
    ids
}

async fn acknowledge(redis: &TestRedis, consumer: &GroupConsumer, entries: &[Entry]) {
    for entry in entries {
        let stream = &consumer.options().streams[entry.stream];
        redis.query::<()>(cmd("XACK").arg(stream).arg(GROUP).arg(entry.id.to_string())).await;
    }
}

async fn consumers(redis: &TestRedis, stream: &str) -> usize {
    redis.query::<Vec<Value>>(cmd("XINFO").arg("CONSUMERS").arg(stream).arg(GROUP)).await.len()
}

fn ids(entries: &[Entry]) -> Vec<EntryId> {
    entries.iter().map(|entry| entry.id).collect()
}

#[tokio::test]
async fn group_receives_entries_added_before_it_existed() {
    let redis = redis().await;
    let added = add(&redis, "{a}:second", 3).await;
    let mut consumer = GroupConsumer::open(&redis.client(), short_block(10)).await.unwrap();
    assert_eq!(ids(&consumer.read().await.unwrap().entries), added);
}

#[tokio::test]
async fn read_waits_for_entries_and_no_longer() {
    let redis = redis().await;
    let long_block = options(Duration::from_secs(8), 10, 1);
    let mut consumer = GroupConsumer::open(&redis.client(), long_block).await.unwrap();
    let reading = tokio::spawn(async move { consumer.read().await.unwrap().entries });
    // Longer than the `redis` crate's own timeout of half a second for a reply.
    tokio::time::timeout(Duration::from_millis(700), std::future::pending::<()>()).await.unwrap_err();
    assert!(!reading.is_finished());
    let added = add(&redis, "{a}:second", 1).await;
    assert_eq!(ids(&reading.await.unwrap()), added);
    let mut other = GroupConsumer::open(&redis.client(), short_block(10)).await.unwrap();
    assert_eq!(ids(&other.read().await.unwrap().entries), added, "not acknowledged: delivered to the next");
    acknowledge(&redis, &other, &[Entry { stream: 1, id: added[0], fields: Vec::new() }]).await;
    assert!(other.read().await.unwrap().entries.is_empty());
}

#[tokio::test]
async fn abandoned_read_loses_no_entries() {
    let redis = redis().await;
    let long_block = options(Duration::from_secs(8), 10, 1);
    let mut abandoned = GroupConsumer::open(&redis.client(), long_block).await.unwrap();
    let added = add(&redis, "{a}:second", 4).await;
    // The server delivers everything; the reply is never looked at.
    let reading = tokio::spawn(async move { drop(abandoned.read().await) });
    let count = async || {
        let mut connection =
            DedicatedConnection::open(&redis.client(), Duration::from_secs(5)).await.unwrap();
        pending(&mut connection, "{a}:second", GROUP).await.unwrap()
    };
    eventually("all entries are delivered", async || count().await == 4).await;
    reading.abort();
    let mut consumer = GroupConsumer::open(&redis.client(), short_block(3)).await.unwrap();
    let mut read = Vec::new();
    while read.len() < 4 {
        let entries = consumer.read().await.unwrap().entries;
        assert!(!entries.is_empty());
        acknowledge(&redis, &consumer, &entries).await;
        read.extend(ids(&entries));
    }
    assert_eq!(read, added);
    assert_eq!(count().await, 0);
}

#[tokio::test]
async fn consumer_claims_all_pending_entries_in_order() {
    let redis = redis().await;
    let added = add(&redis, "{a}:second", 2500).await;
    for _ in 0..5 {
        let mut read = cmd("XREADGROUP");
        GroupConsumer::open(&redis.client(), short_block(1)).await.unwrap();
        read.arg("GROUP").arg(GROUP).arg(name()).arg("COUNT").arg(500).arg("STREAMS");
        redis.query::<()>(read.arg("{a}:second").arg(">")).await;
    }
    let mut consumer = GroupConsumer::open(&redis.client(), short_block(1000)).await.unwrap();
    let mut read = Vec::new();
    while read.len() < added.len() {
        let entries = consumer.read().await.unwrap().entries;
        assert!(!entries.is_empty(), "only {} entries were read", read.len());
        let mut acknowledge = cmd("XACK");
        acknowledge.arg("{a}:second").arg(GROUP);
        entries.iter().for_each(|entry| {
            acknowledge.arg(entry.id.to_string());
        });
        redis.query::<()>(&mut acknowledge).await;
        read.extend(ids(&entries));
    }
    assert_eq!(read, added);
}

fn name() -> String {
    format!("paused-{}", EntryId { ms: u64::from(std::process::id()), seq: next() })
}

fn next() -> u64 {
    use std::sync::atomic::{AtomicU64, Ordering};
    static NEXT: AtomicU64 = AtomicU64::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

#[tokio::test]
async fn consumer_names_are_unique() {
    let redis = redis().await;
    let one = GroupConsumer::open(&redis.client(), short_block(1)).await.unwrap();
    let two = GroupConsumer::open(&redis.client(), short_block(1)).await.unwrap();
    assert_ne!(one.name(), two.name());
}

#[tokio::test]
async fn entry_deleted_while_pending_has_no_fields() {
    let redis = redis().await;
    let mut lost = GroupConsumer::open(&redis.client(), short_block(10)).await.unwrap();
    let added = add(&redis, "{a}:second", 2).await;
    assert_eq!(lost.read().await.unwrap().entries.len(), 2);
    redis.query::<()>(cmd("XDEL").arg("{a}:second").arg(added[0].to_string())).await;
    let mut next = GroupConsumer::open(&redis.client(), short_block(10)).await.unwrap();
    let entries = next.read().await.unwrap().entries;
    assert!(entries.iter().all(|entry| entry.id != added[0] || entry.fields.is_empty()));
    assert!(entries.iter().any(|entry| entry.id == added[1] && !entry.fields.is_empty()));
}

#[tokio::test]
async fn entries_of_a_leaving_consumer_stay_for_the_next() {
    let redis = redis().await;
    let mut leaving = GroupConsumer::open(&redis.client(), short_block(10)).await.unwrap();
    let added = add(&redis, "{a}:second", 2).await;
    assert_eq!(leaving.read().await.unwrap().entries.len(), 2);
    leaving.leave().await.unwrap();
    assert_eq!(consumers(&redis, "{a}:second").await, 1, "a consumer with pending entries stays");
    let mut next = GroupConsumer::open(&redis.client(), short_block(10)).await.unwrap();
    let entries = next.read().await.unwrap().entries;
    assert_eq!(ids(&entries), added);
    acknowledge(&redis, &next, &entries).await;
    next.leave().await.unwrap();
    // The first consumer is still listed without entries; it is removed after a minute of idle time.
    assert_eq!(consumers(&redis, "{a}:second").await, 1);
}

#[tokio::test]
async fn consumer_fails_when_its_streams_are_flushed() {
    let redis = redis().await;
    let long_block = options(Duration::from_secs(8), 10, 0);
    let mut consumer = GroupConsumer::open(&redis.client(), long_block).await.unwrap();
    let mut other = GroupConsumer::open(&redis.client(), short_block(10)).await.unwrap();
    let reading = tokio::spawn(async move { consumer.read().await });
    other.read().await.unwrap();
    redis.query::<()>(&mut cmd("FLUSHDB")).await;
    assert!(reading.await.unwrap().is_err());
    assert!(other.read().await.is_err());
    let ids = GroupConsumer::open(&redis.client(), short_block(10)).await.unwrap().last_ids().await.unwrap();
    assert_eq!(ids, [EntryId::ZERO; 2]);
}

/// Number of pending entries of the stream, with any consumer.
async fn pending_in(redis: &TestRedis, stream: &str) -> u64 {
    let mut connection = DedicatedConnection::open(&redis.client(), Duration::from_secs(5)).await.unwrap();
    pending(&mut connection, stream, GROUP).await.unwrap()
}

fn unacknowledged() -> ConsumerOptions {
    ConsumerOptions { ack_required: false, ..short_block(10) }
}

async fn read_ids(consumer: &mut GroupConsumer) -> Vec<EntryId> {
    ids(&consumer.read().await.unwrap().entries)
}

#[tokio::test]
async fn reads_without_acks_deliver_each_entry_once() {
    let redis = redis().await;
    let first = add(&redis, "{a}:second", 3).await;
    let mut lost = GroupConsumer::open(&redis.client(), unacknowledged()).await.unwrap();
    assert_eq!(read_ids(&mut lost).await, first);
    assert_eq!(pending_in(&redis, "{a}:second").await, 0);
    let more = add(&redis, "{a}:second", 2).await;
    let mut next = GroupConsumer::open(&redis.client(), unacknowledged()).await.unwrap();
    assert_eq!(read_ids(&mut next).await, more);
    assert_eq!(read_ids(&mut next).await, []);
    next.leave().await.unwrap();
    assert_eq!(consumers(&redis, "{a}:second").await, 1, "the lost consumer, until it is removed");
}

#[tokio::test]
async fn reads_without_acks_drop_entries_pending_from_before() {
    let redis = redis().await;
    add(&redis, "{a}:first", 2500).await;
    let mut before = GroupConsumer::open(&redis.client(), ConsumerOptions { count: 3000, ..short_block(10) })
        .await
        .unwrap();
    assert_eq!(read_ids(&mut before).await.len(), 2500);
    let mut next = GroupConsumer::open(&redis.client(), unacknowledged()).await.unwrap();
    assert_eq!(pending_in(&redis, "{a}:first").await, 0);
    assert_eq!(read_ids(&mut next).await, []);
}

#[tokio::test]
async fn read_lingers_unless_the_batch_was_full_or_after_a_pause() {
    let redis = redis().await;
    let long_block =
        ConsumerOptions { linger: Duration::from_secs(2), ..options(Duration::from_secs(5), 3, 1) };
    let mut consumer = GroupConsumer::open(&redis.client(), long_block).await.unwrap();
    add(&redis, "{a}:second", 1).await;
    assert_eq!(read_ids(&mut consumer).await.len(), 1, "read at once");
    // A read that does not linger has been sent before the first entry is added, and returns it alone.
    let (batch, _) = tokio::join!(read_ids(&mut consumer), add(&redis, "{a}:second", 5));
    assert_eq!(batch.len(), 3, "entries added meanwhile, up to a full batch");
    let started = tokio::time::Instant::now();
    assert_eq!(read_ids(&mut consumer).await.len(), 2);
    assert!(started.elapsed() < Duration::from_secs(2), "no linger after a full batch");
}
