//! `portal up` is killed with SIGKILL twice during a replay: alone, and with its Redis and Postgres. The
//! summary is that of an undisturbed replay.

use crate::support::history::bundled_history;
use crate::support::{RunningPortal, eventually};
use std::process::Stdio;

/// Returns the number of events. Opens its own connection, because Postgres is killed during the test.
async fn event_count(up: &RunningPortal) -> i64 {
    let heads = "SELECT sum(head)::bigint FROM partitions";
    up.database().await.query_one(heads, &[]).await.unwrap().get(0)
}

#[tokio::test]
async fn accepted_commands_survive_kill_9() {
    let history = bundled_history();
    let mut up = RunningPortal::start().await;
    let mut replay = up.client(&["replay", "--json"]);
    let replay = replay.arg(&history.file).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    for (events, backends_too) in [(40, false), (90, true)] {
        eventually("the replay has reached the next kill", || async {
            (event_count(&up).await >= events).then_some(())
        })
        .await;
        up.kill_9(backends_too);
        up.restart().await;
    }
    let output = tokio::task::spawn_blocking(|| replay.wait_with_output().unwrap()).await.unwrap();
    history.assert_summary(&output);
    up.verify();
    assert_eq!(up.stop(), Some(0), "{}", up.log_tail());
}
