//! Priority streams are read first, and the other streams do not starve.

#![allow(clippy::unwrap_used)]

use auction_testkit::local_servers::{TestRedis, redis};
use redis::{Value, cmd};
use std::time::Duration;
use stream_worker::{ConsumerOptions, Entry, GroupConsumer};

const FIRST: &str = "{b}:first";
const OTHER: &str = "{b}:other";
const GROUP: &str = "workers";

fn options(count: usize) -> ConsumerOptions {
    let streams = vec![FIRST.to_owned(), OTHER.to_owned()];
    ConsumerOptions {
        group: GROUP.to_owned(),
        streams,
        priority_streams: 1,
        count,
        block: Duration::from_millis(20),
        blocking: true,
        linger: Duration::ZERO,
        ack_required: true,
        crash_tracking: None,
    }
}

async fn add(redis: &TestRedis, stream: &str) {
    redis.query::<()>(cmd("XADD").arg(stream).arg("*").arg("n").arg(1)).await;
}

async fn acknowledge(redis: &TestRedis, entries: &[Entry]) {
    for entry in entries {
        let stream = [FIRST, OTHER][entry.stream];
        redis.query::<()>(cmd("XACK").arg(stream).arg(GROUP).arg(entry.id.to_string())).await;
    }
}

/// Adds an entry to the other stream, pending with a consumer that is gone.
async fn add_orphaned_entry(redis: &TestRedis) {
    redis.query::<()>(cmd("XGROUP").arg("CREATE").arg(OTHER).arg(GROUP).arg("0").arg("MKSTREAM")).await;
    add(redis, OTHER).await;
    let mut read = cmd("XREADGROUP");
    read.arg("GROUP").arg(GROUP).arg("gone").arg("STREAMS").arg(OTHER).arg(">");
    redis.query::<Value>(&mut read).await;
}

#[tokio::test]
async fn other_streams_do_not_starve_under_a_trickle() {
    let redis = redis().await;
    add_orphaned_entry(&redis).await;
    let mut consumer = GroupConsumer::open(&redis.client(), options(10)).await.unwrap();
    let mut reads = 0;
    loop {
        add(&redis, FIRST).await;
        let entries = consumer.read().await.unwrap().entries;
        acknowledge(&redis, &entries).await;
        reads += 1;
        if entries.iter().any(|entry| entry.stream == 1) {
            break;
        }
        assert!(reads < 4, "starved although the first stream never filled a batch");
    }
}

/// Reads and acknowledges `count` entries. Returns the index of the stream of each, in the order of delivery.
async fn read_all(redis: &TestRedis, consumer: &mut GroupConsumer, count: usize) -> Vec<usize> {
    let mut order = Vec::new();
    while order.len() < count {
        let entries = consumer.read().await.unwrap().entries;
        assert!(!entries.is_empty());
        acknowledge(redis, &entries).await;
        order.extend(entries.iter().map(|entry| entry.stream));
    }
    order
}

#[tokio::test]
async fn priority_entries_precede_pending_entries_of_others() {
    let redis = redis().await;
    add_orphaned_entry(&redis).await;
    for _ in 0..25 {
        add(&redis, FIRST).await;
    }
    let mut consumer = GroupConsumer::open(&redis.client(), options(10)).await.unwrap();
    let order = read_all(&redis, &mut consumer, 26).await;
    assert_eq!(order.iter().position(|stream| *stream == 1), Some(25), "{order:?}");
}

/// A consumer that has caught up reads all streams with one command.
#[tokio::test]
async fn priority_entries_precede_others_of_the_same_read() {
    let redis = redis().await;
    let mut consumer = GroupConsumer::open(&redis.client(), options(10)).await.unwrap();
    assert!(consumer.read().await.unwrap().entries.is_empty(), "nothing to read yet");
    for _ in 0..25 {
        add(&redis, FIRST).await;
    }
    add(&redis, OTHER).await;
    let order = read_all(&redis, &mut consumer, 26).await;
    assert_eq!(order, [vec![0; 25], vec![1]].concat());
}
