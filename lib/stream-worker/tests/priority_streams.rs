//! The first streams come first, and the others come.

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

/// Something on the other stream, pending with a consumer that is gone.
async fn lost(redis: &TestRedis) {
    redis.query::<()>(cmd("XGROUP").arg("CREATE").arg(OTHER).arg(GROUP).arg("0").arg("MKSTREAM")).await;
    add(redis, OTHER).await;
    let mut read = cmd("XREADGROUP");
    read.arg("GROUP").arg(GROUP).arg("gone").arg("STREAMS").arg(OTHER).arg(">");
    redis.query::<Value>(&mut read).await;
}

#[tokio::test]
async fn a_trickle_on_the_first_streams_does_not_hold_up_the_others() {
    let redis = redis().await;
    lost(&redis).await;
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
        assert!(reads < 4, "held up although the first stream was never full");
    }
}

/// Reads so many entries and acknowledges them: from which streams they came, in that order.
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
async fn what_fills_a_read_of_the_first_streams_comes_before_the_others() {
    let redis = redis().await;
    lost(&redis).await;
    for _ in 0..25 {
        add(&redis, FIRST).await;
    }
    let mut consumer = GroupConsumer::open(&redis.client(), options(10)).await.unwrap();
    let order = read_all(&redis, &mut consumer, 26).await;
    assert_eq!(order.iter().position(|stream| *stream == 1), Some(25), "{order:?}");
}

/// A consumer that has been there for a while reads both at once.
#[tokio::test]
async fn what_fills_a_read_of_the_first_streams_comes_before_the_others_that_were_read_with_it() {
    let redis = redis().await;
    let mut consumer = GroupConsumer::open(&redis.client(), options(10)).await.unwrap();
    assert!(consumer.read().await.unwrap().entries.is_empty(), "it has come to the end");
    for _ in 0..25 {
        add(&redis, FIRST).await;
    }
    add(&redis, OTHER).await;
    let order = read_all(&redis, &mut consumer, 26).await;
    assert_eq!(order, [vec![0; 25], vec![1]].concat());
}
