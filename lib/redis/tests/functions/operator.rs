//! The Redis user of config/redis-operator.conf can read everything and change nothing.

use auction_redis::functions::{CODE, NAME};
use redis::aio::MultiplexedConnection;
use redis::{Client, RedisError, Value, cmd};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Redis server with that file as its configuration.
struct OperatorRedis {
    server: Child,
    directory: TempDir,
}

impl OperatorRedis {
    async fn start() -> OperatorRedis {
        let directory = tempfile::tempdir().unwrap();
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../config/redis-operator.conf");
        let mut server = Command::new("redis-server");
        server.arg(file).args(["--port", "0", "--save", "", "--dir"]).arg(directory.path());
        server.arg("--unixsocket").arg(directory.path().join("redis.sock"));
        server.stdout(Stdio::null()).stderr(Stdio::inherit());
        let redis = OperatorRedis { server: server.spawn().unwrap(), directory };
        let started = Instant::now();
        while redis.connect("").await.is_err() {
            assert!(started.elapsed() < Duration::from_secs(30), "Redis does not start");
            tokio::time::sleep(Duration::from_millis(10)).await; // between attempts, with a deadline
        }
        redis
    }

    async fn connect(&self, credentials: &str) -> Result<MultiplexedConnection, RedisError> {
        let socket = self.directory.path().join("redis.sock");
        let client = Client::open(format!("redis+unix://{}{credentials}", socket.display()))?;
        client.get_multiplexed_async_connection().await
    }
}

impl Drop for OperatorRedis {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

async fn call(connection: &mut MultiplexedConnection, line: &str) -> Result<Value, RedisError> {
    let words: Vec<&str> = line.split(' ').collect();
    cmd(words[0]).arg(&words[1..]).query_async(connection).await
}

const ALLOWED: [&str; 34] = [
    "FCALL_RO ap_tail 1 ap:{00}:cmd:bid 5",
    "FCALL_RO ap_range 1 ap:{00}:cmd:bid - +",
    "FCALL_RO ap_show 1 ap:{00}:cmd:bid 1-1",
    "FCALL_RO ap_find 1 ap:{00}:cmd:bid id x",
    "FUNCTION LIST",
    "XRANGE ap:{00}:cmd:bid - + COUNT 1",
    "XREVRANGE ap:{00}:cmd:bid + - COUNT 1",
    "XLEN ap:{00}:cmd:bid",
    "XINFO STREAM ap:{00}:cmd:bid",
    "XINFO GROUPS ap:{00}:cmd:bid",
    "XINFO CONSUMERS ap:{00}:cmd:bid writer",
    "XPENDING ap:{00}:cmd:bid writer",
    "XPENDING ap:{00}:cmd:bid writer - + 10",
    "GET ap:{00}:lease:writer",
    "HSCAN ap:{00}:crash-marks 0",
    "STRLEN ap:{00}:read-model:user:x",
    "HGET ap:{00}:read-model:auction-entries x",
    "HLEN ap:{00}:read-model:auction-entries",
    "HSCAN ap:{00}:read-model:auction-entries 0",
    "ZRANGE ap:members:writer 0 -1 WITHSCORES",
    "ZCARD ap:members:writer",
    "ZSCORE ap:members:writer x",
    "EXISTS ap:{00}:evt",
    "TYPE ap:{00}:evt",
    "TTL ap:{00}:reply:i1",
    "PTTL ap:{00}:lease:writer",
    "MEMORY USAGE ap:{00}:evt",
    "SCAN 0 MATCH ap:*:reply:* COUNT 100",
    "INFO memory",
    "DBSIZE",
    "TIME",
    "ACL WHOAMI",
    "COMMAND COUNT",
    "PING",
];

const REFUSED: [&str; 41] = [
    "XADD ap:{00}:cmd:bid * a b",
    "XDEL ap:{00}:cmd:bid 1-1",
    "XTRIM ap:{00}:cmd:bid MAXLEN 0",
    "XACK ap:{00}:cmd:bid writer 1-1",
    "XCLAIM ap:{00}:cmd:bid writer me 0 1-1",
    "XAUTOCLAIM ap:{00}:cmd:bid writer me 0 0",
    "XGROUP CREATE ap:{00}:cmd:bid mine 0",
    "XGROUP DELCONSUMER ap:{00}:cmd:bid writer me",
    "XSETID ap:{00}:cmd:bid 9-9",
    "XREADGROUP GROUP writer me STREAMS ap:{00}:cmd:bid >",
    "XREAD BLOCK 0 STREAMS ap:{00}:cmd:bid $",
    "BLPOP ap:list 0",
    "SET ap:{00}:lease:writer me",
    "GETDEL ap:{00}:lease:writer",
    "DEL ap:{00}:evt",
    "UNLINK ap:{00}:evt",
    "EXPIRE ap:{00}:evt 1",
    "RENAME ap:{00}:evt ap:{00}:x",
    "HSET ap:{00}:read-model:auction-entries a b",
    "ZADD ap:members:writer 1 a",
    "FCALL write 1 ap:{00}:evt",
    "FCALL_RO write 1 ap:{00}:evt",
    "FCALL ap_tail 1 ap:{00}:cmd:bid",
    "FUNCTION LOAD x",
    "FUNCTION DELETE auction_portal",
    "FUNCTION FLUSH",
    "EVAL return 0",
    "EVAL_RO return 0",
    "KEYS *",
    "FLUSHALL",
    "FLUSHDB",
    "CONFIG GET *",
    "CONFIG SET appendonly no",
    "SAVE",
    "SHUTDOWN NOSAVE",
    "ACL SETUSER operator +@all",
    "CLIENT KILL TYPE normal",
    "MONITOR",
    "SUBSCRIBE x",
    "GET other:secret",
    "FCALL_RO ap_tail 1 other:stream",
];

#[tokio::test]
async fn operator_can_read_everything_and_change_nothing() {
    let redis = OperatorRedis::start().await;
    let mut admin = redis.connect("").await.unwrap();
    let _: () = cmd("FUNCTION").arg("LOAD").arg(CODE).query_async(&mut admin).await.unwrap();
    let write = "#!lua name=other\nredis.register_function('write', function(keys) \
                 return redis.call('XADD', keys[1], '*', 'a', 'b') end)";
    let _: () = cmd("FUNCTION").arg("LOAD").arg(write).query_async(&mut admin).await.unwrap();
    for line in [
        "XADD ap:{00}:cmd:bid 1-1 id x",
        "XGROUP CREATE ap:{00}:cmd:bid writer 0",
        "XADD ap:{00}:evt 1-0 kind x",
        "XADD other:stream 1-1 a b",
        "SET other:secret x",
    ] {
        call(&mut admin, line).await.unwrap();
    }

    let refused = redis.connect("?user=operator&pass=").await;
    assert!(refused.is_err(), "no password is set");
    call(&mut admin, "ACL SETUSER operator >secret").await.unwrap();
    let mut operator = redis.connect("?user=operator&pass=secret").await.unwrap();
    for line in ALLOWED {
        let answer = call(&mut operator, line).await;
        assert!(answer.is_ok(), "{line}: {answer:?}");
    }
    let before = call(&mut admin, "XINFO STREAM ap:{00}:cmd:bid FULL").await.unwrap();
    for line in REFUSED {
        let answer = call(&mut operator, line).await;
        let error = answer.expect_err(line).to_string();
        assert!(error.contains("permission") || error.contains("write flag"), "{line}: {error}");
    }
    assert_eq!(call(&mut admin, "XINFO STREAM ap:{00}:cmd:bid FULL").await.unwrap(), before);
    assert_eq!(call(&mut admin, "XLEN ap:{00}:evt").await.unwrap(), Value::Int(1));
    let list: Vec<Value> =
        cmd("FUNCTION").arg("LIST").arg("LIBRARYNAME").arg(NAME).query_async(&mut admin).await.unwrap();
    assert_eq!(list.len(), 1);
}
