//! Stream statistics on a real Redis: lag is correct even where the counters of Redis are not.

use auction_app::ports::operator::stream_stats::{
    GroupProgress, LagCount, StreamProgress, StreamStatsReader,
};
use auction_redis::keys;
use auction_redis::stream_stats::RedisStreamStats;
use auction_testkit::fixtures::{P, records};
use auction_testkit::local_servers::{TestRedis, redis};
use redis::{Value, cmd, pipe};

const BIDS: &str = "ap:{00}:cmd:bid";

async fn call(redis: &TestRedis, line: &str) -> Value {
    let words: Vec<&str> = line.split(' ').collect();
    redis.query(cmd(words[0]).arg(&words[1..])).await
}

/// Adds bids with the ids `1000-0`, `2000-0` …, and the group of the writers.
async fn bids(count: u64) -> TestRedis {
    let redis = redis().await;
    let mut connection = redis.client().get_multiplexed_async_connection().await.unwrap();
    for chunk in (1..=count).collect::<Vec<_>>().chunks(1000) {
        let mut add = pipe();
        for n in chunk {
            add.cmd("XADD").arg(BIDS).arg(format!("{n}000-0")).arg("id").arg(*n).ignore();
        }
        let () = add.query_async(&mut connection).await.unwrap();
    }
    call(&redis, &format!("XGROUP CREATE {BIDS} writer 0")).await;
    redis
}

async fn deliver(redis: &TestRedis, to: &str, count: u64) {
    call(redis, &format!("XREADGROUP GROUP writer {to} COUNT {count} STREAMS {BIDS} >")).await;
}

async fn streams(redis: &TestRedis) -> Vec<StreamProgress> {
    RedisStreamStats::new(redis.client()).collect(&[P]).await.unwrap().partitions.remove(0).streams
}

async fn writer(redis: &TestRedis) -> GroupProgress {
    streams(redis).await.remove(0).groups.remove(0)
}

/// Returns the lag that Redis reports.
async fn lag_of_redis(redis: &TestRedis) -> Option<i64> {
    let Value::Array(groups) = call(redis, &format!("XINFO GROUPS {BIDS}")).await else { return None };
    stream_worker::value::member(&groups[0], "lag").and_then(stream_worker::value::number)
}

#[tokio::test]
async fn group_has_lag_pending_entries_lease_and_consumers() {
    let redis = bids(10).await;
    deliver(&redis, "one", 3).await;
    deliver(&redis, "two", 1).await;
    call(&redis, &format!("XACK {BIDS} writer 1000-0 3000-0")).await;
    call(&redis, "SET ap:{00}:lease:writer me").await;
    let stream = streams(&redis).await.remove(0);
    assert_eq!((stream.key.as_str(), stream.length, stream.added, stream.last.ms), (BIDS, 10, 10, 10_000));
    let writer = &stream.groups[0];
    assert_eq!((writer.lag, writer.pending), (LagCount::Exact(6), 2));
    assert_eq!(writer.oldest_ms, Some(2000), "delivered and not acknowledged");
    assert_eq!(writer.lease.as_deref(), Some("me"));
    let consumers: Vec<(&str, u64)> =
        writer.consumers.iter().map(|consumer| (consumer.name.as_str(), consumer.pending)).collect();
    assert_eq!(consumers, [("one", 1), ("two", 1)]);
    call(&redis, &format!("XACK {BIDS} writer 2000-0 4000-0")).await;
    assert_eq!(self::writer(&redis).await.oldest_ms, Some(5000), "not delivered");
    deliver(&redis, "one", 10).await;
    let all: Vec<String> = (5..=10).map(|n| format!("{n}000-0")).collect();
    call(&redis, &format!("XACK {BIDS} writer {}", all.join(" "))).await;
    let finished = self::writer(&redis).await;
    assert_eq!((finished.lag, finished.pending, finished.oldest_ms), (LagCount::Exact(0), 0, None));
}

#[tokio::test]
async fn lag_is_correct_where_redis_is_wrong() {
    let redis = bids(10).await;
    deliver(&redis, "one", 3).await;
    call(&redis, &format!("XDEL {BIDS} 7000-0")).await;
    assert_eq!(lag_of_redis(&redis).await, None);
    assert_eq!(writer(&redis).await.lag, LagCount::Exact(6));
    // The group's position was set by hand, with a wrong number of read entries.
    let redis = bids(10).await;
    call(&redis, &format!("XGROUP SETID {BIDS} writer 4000-0 ENTRIESREAD 9")).await;
    assert_eq!(lag_of_redis(&redis).await, Some(1));
    assert_eq!(writer(&redis).await.lag, LagCount::Exact(6));
    // Undelivered entries are trimmed.
    call(&redis, &format!("XTRIM {BIDS} MAXLEN 2")).await;
    assert_eq!(writer(&redis).await.lag, LagCount::Exact(2));
    call(&redis, &format!("XTRIM {BIDS} MAXLEN 0")).await;
    assert_eq!(writer(&redis).await.lag, LagCount::Exact(0));
}

#[tokio::test]
async fn lag_count_is_capped_and_marked_as_lower_bound() {
    let redis = bids(12_000).await;
    assert_eq!(writer(&redis).await.lag, LagCount::Exact(12_000), "nothing is delivered");
    deliver(&redis, "one", 500).await;
    assert_eq!(writer(&redis).await.lag, LagCount::Exact(11_500), "by the counters of Redis");
    call(&redis, &format!("XDEL {BIDS} 11000000-0")).await;
    assert_eq!(writer(&redis).await.lag, LagCount::AtLeast(10_000));
    deliver(&redis, "one", 5000).await;
    assert_eq!(writer(&redis).await.lag, LagCount::Exact(6499), "by counting entries");
}

#[tokio::test]
async fn age_of_an_event_is_that_of_its_command() {
    let redis = redis().await;
    let event = &records(0, 1)[0];
    let mut add = cmd("XADD");
    add.arg(keys::events(P)).arg("1-0");
    for (name, value) in event.to_fields() {
        add.arg(name).arg(value);
    }
    redis.query::<Value>(&mut add).await;
    call(&redis, "XGROUP CREATE ap:{00}:evt projector 0").await;
    call(&redis, "XADD ap:{00}:dead 5-0 reason x").await;
    let streams = streams(&redis).await;
    let keys: Vec<&str> = streams.iter().map(|stream| stream.key.as_str()).collect();
    assert_eq!(keys, ["ap:{00}:evt", "ap:{00}:dead"], "existing streams only");
    assert_eq!(streams[0].groups[0].oldest_ms, Some(u64::try_from(event.at.0).unwrap()));
    assert!(streams[1].groups.is_empty());
}
