//! `kill -9` of the whole portal in the middle of a replay, more than once, at points drawn from a seed:
//! the figures are those of an undisturbed replay, and nothing is left undone.

use crate::support::history::{History, real, shipped};
use crate::support::{RunningPortal, eventually, long};
use redis::Value;
use std::process::Stdio;

/// A small generator; its seed is printed, and taken from `SEED` if that is set.
struct Random(u64);

impl Random {
    fn seeded() -> Random {
        let seed = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(20_261_122);
        println!("SEED={seed}");
        Random(seed)
    }

    fn below(&mut self, n: u64) -> u64 {
        // Knuth's MMIX constants; the high bits are the good ones.
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }
}

/// How many events there are, by a connection of its own: the server is killed now and then.
async fn events(up: &RunningPortal) -> u64 {
    let row = up.database().await.query_one("SELECT sum(head)::bigint FROM partitions", &[]).await.unwrap();
    u64::try_from(row.get::<_, i64>(0)).unwrap()
}

async fn replay_with_kills(history: &History, events_in_all: u64, kills: u64) {
    let mut random = Random::seeded();
    let mut up = RunningPortal::start().await;
    let replay = up
        .client(&["replay", "--json"])
        .arg(&history.file)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    for kill in 0..kills {
        // Somewhere within its own slice of the replay.
        let slice = events_in_all / (kills + 1);
        let at = slice * kill + slice / 2 + random.below(slice / 2);
        eventually("the replay goes on", || async { (events(&up).await >= at).then_some(()) }).await;
        let servers_too = random.below(2) == 0;
        println!("kill {kill} at {at} events, {}", if servers_too { "with the servers" } else { "alone" });
        up.kill_nine(servers_too);
        up.start_again().await;
    }
    let output = tokio::task::spawn_blocking(|| replay.wait_with_output().unwrap()).await.unwrap();
    history.check(&output);
    up.verify();
    nothing_is_left_undone(&up).await;
    assert_eq!(up.stop(), Some(0), "{}", up.log_tail());
}

/// Every command was decided once and acknowledged, and every event has its command's outcome.
async fn nothing_is_left_undone(up: &RunningPortal) {
    let client = redis::Client::open(up.server("redis_url")).unwrap();
    let mut redis = client.get_multiplexed_async_connection().await.unwrap();
    for partition in 0..8 {
        for channel in ["user", "auction", "bid"] {
            let stream = format!("ap:{{{partition:02}}}:cmd:{channel}");
            let groups: Value =
                redis::cmd("XINFO").arg("GROUPS").arg(&stream).query_async(&mut redis).await.unwrap();
            let Value::Array(groups) = groups else { panic!("{groups:?}") };
            let Value::Array(writer) = &groups[0] else { panic!("{groups:?}") };
            assert_eq!(writer[5], Value::Int(0), "pending in {stream}");
            assert_eq!(writer[11], Value::Int(0), "lag of {stream}");
        }
        let dead: u64 = redis::cmd("XLEN")
            .arg(format!("ap:{{{partition:02}}}:dead"))
            .query_async(&mut redis)
            .await
            .unwrap();
        assert_eq!(dead, 0);
    }
    let orphans =
        "SELECT count(*) FROM events e LEFT JOIN commands c USING (command_id) WHERE c.command_id IS NULL";
    let row = up.database().await.query_one(orphans, &[]).await.unwrap();
    assert_eq!(row.get::<_, i64>(0), 0, "events without the outcome of their command");
}

#[tokio::test]
async fn accepted_commands_survive_kill_9() {
    let kills = if long() { 12 } else { 2 };
    replay_with_kills(&shipped(), 150, kills).await;
    if let Some(real) = real() {
        let kills = if long() { 100 } else { 4 };
        replay_with_kills(&real, 8000, kills).await;
    }
}
