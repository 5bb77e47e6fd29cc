//! The whole portal is killed with SIGKILL several times during a replay, at moments drawn from a seed. The
//! summary is that of an undisturbed replay, and every command is settled.

use crate::support::history::{BiddingHistory, bundled_history, real_history};
use crate::support::{RunningPortal, eventually, is_long_run};
use redis::Value;
use std::process::Stdio;

/// A small random number generator. Its seed comes from `SEED`, if that is set, and is printed.
struct Random(u64);

impl Random {
    fn seeded() -> Random {
        let seed = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(20_261_122);
        println!("SEED={seed}");
        Random(seed)
    }

    fn below(&mut self, n: u64) -> u64 {
        // Knuth's MMIX constants; the high bits have the longer period.
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }
}

/// Returns the number of events. Opens its own connection, because Postgres is killed during the test.
async fn event_count(up: &RunningPortal) -> u64 {
    let row = up.database().await.query_one("SELECT sum(head)::bigint FROM partitions", &[]).await.unwrap();
    u64::try_from(row.get::<_, i64>(0)).unwrap()
}

async fn replay_with_kills(history: &BiddingHistory, total_events: u64, kills: u64) {
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
        // A random moment in this kill's slice of the replay.
        let slice = total_events / (kills + 1);
        let at = slice * kill + slice / 2 + random.below(slice / 2);
        eventually("the replay has reached the next kill", || async {
            (event_count(&up).await >= at).then_some(())
        })
        .await;
        let backends_too = random.below(2) == 0;
        println!("kill {kill} at {at} events, {}", if backends_too { "with the backends" } else { "alone" });
        up.kill_9(backends_too);
        up.restart().await;
    }
    let output = tokio::task::spawn_blocking(|| replay.wait_with_output().unwrap()).await.unwrap();
    history.assert_summary(&output);
    up.verify();
    assert_all_commands_settled(&up).await;
    assert_eq!(up.stop(), Some(0), "{}", up.log_tail());
}

/// Asserts that every command was decided and acknowledged, and that every event has the outcome of its
/// command.
async fn assert_all_commands_settled(up: &RunningPortal) {
    let client = redis::Client::open(up.backend_url("redis_url")).unwrap();
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
    let orphans = "SELECT count(*) FROM events e LEFT JOIN command_outcomes c USING (command_id) \
                   WHERE c.command_id IS NULL";
    let row = up.database().await.query_one(orphans, &[]).await.unwrap();
    assert_eq!(row.get::<_, i64>(0), 0, "events without the outcome of their command");
}

#[tokio::test]
async fn accepted_commands_survive_kill_9() {
    let kills = if is_long_run() { 12 } else { 2 };
    replay_with_kills(&bundled_history(), 150, kills).await;
    if let Some(real) = real_history() {
        let kills = if is_long_run() { 100 } else { 4 };
        replay_with_kills(&real, 8000, kills).await;
    }
}
