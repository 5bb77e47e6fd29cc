//! Repair of command streams whose ids are ahead of the clock.

use auction_redis::RedisPool;
use auction_redis::keys;
use auction_redis::stream_repair::{RepairMode, StreamRepair, repair};
use auction_testkit::fixtures::P;
use auction_testkit::local_servers::redis;
use auction_wire::Channel;
use redis::{Value, cmd};
use std::time::Duration;
use stream_worker::Entry;
use stream_worker::entry::range_reply;

#[tokio::test]
async fn repair_moves_a_stream_back_and_keeps_undecided_commands() {
    let redis = redis().await;
    let pool = RedisPool::new(redis.client(), 1).unwrap();
    let key = keys::commands(P, Channel::Bid);
    let (seconds, _): (u64, u64) = redis.query(&mut cmd("TIME")).await;
    let (now, ahead) = (1000 * seconds, 1000 * (seconds + 3600));
    redis.query::<()>(cmd("XGROUP").arg("CREATE").arg(&key).arg("writer").arg("0").arg("MKSTREAM")).await;
    let ids = [now - 9000, now - 8000, ahead, ahead + 1, ahead + 2];
    for (n, id) in ids.iter().enumerate() {
        redis.query::<()>(cmd("XADD").arg(&key).arg(format!("{id}-0")).arg("n").arg(n)).await;
    }
    // The first four are delivered. Commands 0 and 2 are decided, 1 and 3 are pending, 4 is not delivered.
    let mut read = cmd("XREADGROUP");
    read.arg("GROUP").arg("writer").arg("w").arg("COUNT").arg(4).arg("STREAMS").arg(&key).arg(">");
    redis.query::<Value>(&mut read).await;
    for decided in [ids[0], ids[2]] {
        redis.query::<()>(cmd("XACK").arg(&key).arg("writer").arg(format!("{decided}-0"))).await;
    }
    let planned = repair(&pool, &[P], RepairMode::Plan).await.unwrap();
    let [StreamRepair { ahead: by, has_writer: true, kept: 1, moved: 2, removed: 2, .. }] = &planned[..]
    else {
        panic!("{planned:?}");
    };
    assert!(*by > Duration::from_secs(3500) && *by <= Duration::from_secs(3601), "{by:?}");
    let entries = async || -> Vec<Entry> {
        range_reply(redis.query(cmd("XRANGE").arg(&key).arg("-").arg("+")).await).unwrap()
    };
    assert!(repair(&pool, &[P], RepairMode::Apply).await.unwrap()[0].has_writer);
    assert_eq!(entries().await.len(), 5, "a stream that a writer reads is not changed");
    // A group without a consumer that has read for some time, at the first command.
    redis.query::<()>(cmd("XGROUP").arg("DESTROY").arg(&key).arg("writer")).await;
    redis.query::<()>(cmd("XGROUP").arg("CREATE").arg(&key).arg("writer").arg(format!("{}-0", ids[0]))).await;
    let applied = repair(&pool, &[P], RepairMode::Apply).await.unwrap();
    assert_eq!((applied[0].kept, applied[0].moved, applied[0].removed), (1, 3, 1), "{applied:?}");
    assert_eq!(repair(&pool, &[P], RepairMode::Plan).await.unwrap(), [], "nothing is left to do");
    let left = entries().await;
    let numbers: Vec<&[u8]> = left.iter().filter_map(|entry| entry.field("n")).collect();
    assert_eq!(numbers, [b"1", b"2", b"3", b"4"]);
    assert_eq!(left[0].id.ms, ids[1], "a right time is kept");
    assert!(left[1..].iter().all(|entry| entry.id.ms >= now && entry.id.ms < ahead), "{left:?}");
}
