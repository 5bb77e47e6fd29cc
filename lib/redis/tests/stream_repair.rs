//! Repair of command streams whose ids are ahead of the clock.

use auction_redis::RedisPool;
use auction_redis::keys;
use auction_redis::stream_repair::{RepairMode, StreamRepair, repair};
use auction_testkit::fixtures::P;
use auction_testkit::local_servers::{eventually, redis};
use auction_wire::Channel;
use redis::{Client, Cmd, FromRedisValue, Value, cmd, pipe};
use std::os::unix::fs::FileExt;
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use stream_worker::Entry;
use stream_worker::entry::range_reply;
use tempfile::TempDir;

/// Time to live of a lease.
const LEASE: Duration = Duration::from_secs(5);

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
    let planned = repair(&pool, &[P], LEASE, RepairMode::Plan).await.unwrap();
    let [StreamRepair { ahead: by, has_writer: true, kept: 1, moved: 2, removed: 2, .. }] = &planned[..]
    else {
        panic!("{planned:?}");
    };
    assert!(*by > Duration::from_secs(3500) && *by <= Duration::from_secs(3601), "{by:?}");
    let entries = async || -> Vec<Entry> {
        range_reply(redis.query(cmd("XRANGE").arg(&key).arg("-").arg("+")).await).unwrap()
    };
    assert!(repair(&pool, &[P], LEASE, RepairMode::Apply).await.unwrap()[0].has_writer);
    assert_eq!(entries().await.len(), 5, "a stream that a writer reads is not changed");
    // A group without a consumer that has read for some time, at the first command.
    redis.query::<()>(cmd("XGROUP").arg("DESTROY").arg(&key).arg("writer")).await;
    redis.query::<()>(cmd("XGROUP").arg("CREATE").arg(&key).arg("writer").arg(format!("{}-0", ids[0]))).await;
    let applied = repair(&pool, &[P], LEASE, RepairMode::Apply).await.unwrap();
    assert_eq!((applied[0].kept, applied[0].moved, applied[0].removed), (1, 3, 1), "{applied:?}");
    assert_eq!(repair(&pool, &[P], LEASE, RepairMode::Plan).await.unwrap(), [], "nothing is left to do");
    let left = entries().await;
    let numbers: Vec<&[u8]> = left.iter().filter_map(|entry| entry.field("n")).collect();
    assert_eq!(numbers, [b"1", b"2", b"3", b"4"]);
    assert_eq!(left[0].id.ms, ids[1], "a right time is kept");
    assert!(left[1..].iter().all(|entry| entry.id.ms >= now && entry.id.ms < ahead), "{left:?}");
}

#[tokio::test]
async fn repair_keeps_the_order_of_more_commands_than_one_call_handles() {
    let redis = redis().await;
    let pool = RedisPool::new(redis.client(), 1).unwrap();
    let key = keys::commands(P, Channel::Bid);
    let (seconds, _): (u64, u64) = redis.query(&mut cmd("TIME")).await;
    let (now, ahead) = (1000 * seconds, 1000 * (seconds + 3600));
    let mut commands = pipe();
    for n in 0..3500_u64 {
        let ms = if n < 1500 { now - 1500 + n } else { ahead + n };
        commands.cmd("XADD").arg(&key).arg(format!("{ms}-0")).arg("n").arg(n).ignore();
    }
    let mut connection = redis.client().get_multiplexed_async_connection().await.unwrap();
    commands.query_async::<()>(&mut connection).await.unwrap();
    // What an interrupted repair leaves.
    redis.query::<()>(cmd("SET").arg(keys::repaired_commands(P, Channel::Bid)).arg("left over")).await;
    for mode in [RepairMode::Plan, RepairMode::Apply] {
        let [StreamRepair { has_writer: false, kept: 1500, moved: 2000, removed: 0, .. }] =
            repair(&pool, &[P], LEASE, mode).await.unwrap()[..]
        else {
            panic!("the whole stream is repaired");
        };
    }
    let entries = range_reply(redis.query(cmd("XRANGE").arg(&key).arg("-").arg("+")).await).unwrap();
    let numbers = entries.iter().map(|entry| std::str::from_utf8(entry.field("n").unwrap()).unwrap());
    assert!(numbers.eq((0..3500).map(|n| n.to_string())));
    assert!(entries.iter().all(|entry| entry.id.ms < ahead));
    assert_eq!(redis.query::<u64>(cmd("EXISTS").arg(keys::repaired_commands(P, Channel::Bid))).await, 0);
}

/// A Redis whose clock can be wrong.
struct WrongClock {
    process: Child,
    directory: TempDir,
}

impl WrongClock {
    async fn start() -> WrongClock {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/wrong_clock.c");
        let mut compiler = Command::new("cc");
        compiler.args(["-shared", "-fPIC", "-o"]).arg(path("clock.so")).arg(source);
        assert!(compiler.status().unwrap().success());
        std::fs::write(path("clock"), 0_i64.to_ne_bytes()).unwrap();
        let mut server = Command::new("redis-server");
        server.args(["--port", "0", "--save", "", "--dir"]).arg(directory.path());
        server.arg("--unixsocket").arg(path("socket")).stdout(Stdio::null());
        let process =
            server.env("LD_PRELOAD", path("clock.so")).env("WRONG_CLOCK", path("clock")).spawn().unwrap();
        let redis = WrongClock { process, directory };
        eventually("Redis answers", async || redis.client().get_multiplexed_async_connection().await.is_ok())
            .await;
        redis
    }

    fn client(&self) -> Client {
        Client::open(format!("redis+unix://{}", self.directory.path().join("socket").display())).unwrap()
    }

    /// Sets the difference of the clock in seconds.
    fn set(&self, seconds: i64) {
        let clock = std::fs::File::options().write(true).open(self.directory.path().join("clock")).unwrap();
        clock.write_all_at(&seconds.to_ne_bytes(), 0).unwrap();
    }

    async fn query<T: FromRedisValue>(&self, command: &mut Cmd) -> T {
        let mut connection = self.client().get_multiplexed_async_connection().await.unwrap();
        command.query_async(&mut connection).await.unwrap()
    }
}

impl Drop for WrongClock {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[tokio::test]
async fn leases_and_consumers_from_the_future_do_not_block_a_repair() {
    let redis = WrongClock::start().await;
    let pool = RedisPool::new(redis.client(), 1).unwrap();
    let (key, lease, members) =
        (keys::commands(P, Channel::Bid), keys::lease(P, "writer"), keys::members("writer"));
    // A writer works and is killed, while the clock is an hour ahead.
    redis.set(3600);
    redis.query::<()>(cmd("XGROUP").arg("CREATE").arg(&key).arg("writer").arg("0").arg("MKSTREAM")).await;
    redis.query::<()>(cmd("XADD").arg(&key).arg("*").arg("n").arg(1)).await;
    let mut read = cmd("XREADGROUP");
    read.arg("GROUP").arg("writer").arg("w").arg("STREAMS").arg(&key).arg(">");
    redis.query::<Value>(&mut read).await;
    let (seconds, _): (u64, u64) = redis.query(&mut cmd("TIME")).await;
    redis.query::<()>(cmd("SET").arg(&lease).arg("w").arg("PX").arg(LEASE.as_millis() as u64)).await;
    redis.query::<()>(cmd("ZADD").arg(&members).arg(1000 * seconds).arg("w")).await;
    redis.set(0);
    let planned = repair(&pool, &[P], LEASE, RepairMode::Plan).await.unwrap();
    let [StreamRepair { has_writer: false, moved: 1, .. }] = &planned[..] else { panic!("{planned:?}") };
    // A lease of the present time, and one of a process that is registered and has a longer time, block it.
    redis.query::<()>(cmd("SET").arg(&lease).arg("v").arg("PX").arg(LEASE.as_millis() as u64)).await;
    assert!(repair(&pool, &[P], LEASE, RepairMode::Apply).await.unwrap()[0].has_writer);
    redis.query::<()>(cmd("SET").arg(&lease).arg("v").arg("PX").arg(60_000)).await;
    redis.query::<()>(cmd("ZADD").arg(&members).arg(1000 * (seconds - 3600)).arg("v")).await;
    assert!(repair(&pool, &[P], LEASE, RepairMode::Apply).await.unwrap()[0].has_writer);
    redis.query::<()>(cmd("ZREM").arg(&members).arg("v")).await;
    assert!(!repair(&pool, &[P], LEASE, RepairMode::Apply).await.unwrap()[0].has_writer);
    assert_eq!(repair(&pool, &[P], LEASE, RepairMode::Plan).await.unwrap(), [], "nothing is left to do");
    assert_eq!(redis.query::<u64>(cmd("XLEN").arg(&key)).await, 1);
}
