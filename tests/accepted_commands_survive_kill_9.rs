//! `portal up` is killed with SIGKILL during a replay, by turns alone and with its Redis and Postgres. The summary
//! is that of an undisturbed replay. The long form replays the real history, with forty kills.

use crate::support::history::{bundled_history, real_history};
use crate::support::{RunningPortal, eventually, is_long_run};
use std::process::Stdio;

/// Returns the number of events. Opens its own connection, because Postgres is killed during the test.
async fn event_count(up: &RunningPortal) -> i64 {
    let heads = "SELECT sum(head)::bigint FROM partitions";
    up.database().await.query_one(heads, &[]).await.unwrap().get(0)
}

#[tokio::test]
async fn accepted_commands_survive_kill_9() {
    let real = if is_long_run() { real_history() } else { None };
    let (history, kills, events_per_kill) = match real {
        Some(real) => (real, 40, 150),
        None => (bundled_history(), 2, 40),
    };
    let mut up = RunningPortal::start().await;
    let mut replay = up.client(&["replay", "--json"]);
    let replay = replay.arg(&history.file).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    for kill in 1..=kills {
        eventually("the replay has reached the next kill", || async {
            (event_count(&up).await >= kill * events_per_kill).then_some(())
        })
        .await;
        up.kill_9(kill % 2 == 0);
        up.restart().await;
    }
    let output = tokio::task::spawn_blocking(|| replay.wait_with_output().unwrap()).await.unwrap();
    history.assert_summary(&output);
    up.verify();
    assert_eq!(up.stop(), Some(0), "{}", up.log_tail());
}
