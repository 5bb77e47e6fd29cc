//! Postgres is restored from an older backup while Redis holds newer events. Every component that would mix
//! the two ends with instructions. After following them, the portal runs again.

use crate::support::components::RunningComponents;
use crate::support::load::Load;
use crate::support::servers::TestServers;
use crate::support::wait_until_all_notified;
use std::path::Path;
use std::process::Command;

/// Number of partitions; all have newer events than the backup.
const PARTITIONS: usize = 8;

/// Number of processes of each component, except the ingress.
const PROCESSES: usize = 2;

/// Components that run during the restore and have read events that are not in the backup.
const RUNNING: [&str; 3] = ["writer", "projector", "notifier"];

/// Components that start after the restore and have not read these events.
const STARTED_LATER: [&str; 2] = ["auctioneer", "promoter"];

/// Copies a stopped Postgres cluster with its owner and permissions.
fn copy(from: &Path, to: &Path) {
    if to.exists() {
        std::fs::remove_dir_all(to).unwrap();
    }
    let copied = Command::new("cp").arg("-a").args([from, to]).status().unwrap();
    assert!(copied.success());
}

async fn query_number(servers: &TestServers, query: &str) -> i64 {
    servers.database().await.query_one(query, &[]).await.unwrap().get(0)
}

async fn wait_until_notifiers_caught_up(servers: &TestServers) {
    wait_until_all_notified(&servers.database().await).await;
}

/// Returns the sums of the stored positions and of the notifier checkpoints.
async fn heads(servers: &TestServers) -> (i64, i64) {
    let stored = "SELECT sum(head)::bigint FROM partitions";
    let notified = "SELECT sum(position)::bigint FROM notifier_checkpoints";
    (query_number(servers, stored).await, query_number(servers, notified).await)
}

/// Follows the instructions of the error: stops all processes, deletes the keys `ap:{NN}:evt` and
/// `ap:{NN}:read-model:*`, and starts again. Senders whose outcomes were lost repeat their commands.
async fn follow_instructions(components: &mut RunningComponents, servers: &TestServers, load: &mut Load) {
    let [ingress] = components.pids("ingress")[..] else { panic!("one ingress") };
    assert_eq!(components.stop_process(ingress, "-TERM"), Some(0));
    let mut redis = servers.redis().await;
    for partition in 0..PARTITIONS {
        let views: Vec<String> = redis::cmd("KEYS")
            .arg(format!("ap:{{{partition:02}}}:read-model:*"))
            .query_async(&mut redis)
            .await
            .unwrap();
        let mut delete = redis::cmd("DEL");
        let _: u64 = delete
            .arg(format!("ap:{{{partition:02}}}:evt"))
            .arg(views)
            .query_async(&mut redis)
            .await
            .unwrap();
    }
    for component in RUNNING.into_iter().chain(STARTED_LATER) {
        components.add_all([component; PROCESSES]);
    }
    components.add("ingress");
    components.wait_until_ready().await;
    // Commands that are in the backup keep their outcome.
    load.resend_all().await;
    load.wait_until_all_decided().await;
    load.wait_until_settled().await;
    wait_until_notifiers_caught_up(servers).await;
    servers.verify();
}

#[tokio::test]
async fn restored_backup_is_refused_until_streams_are_deleted() {
    let mut servers = TestServers::start().await;
    let (cluster, backup) = (servers.data_dir().join("postgres/cluster"), servers.directory().join("backup"));
    let mut components = RunningComponents::start(&servers, PROCESSES).await;
    let mut load = Load::prepare(&servers, 12).await;
    tokio::join!(servers.base_backup(servers.database_url(), &backup, &[]), load.send_bids(300));
    load.wait_for_outcomes(load.distinct_count()).await;
    for component in STARTED_LATER {
        for pid in components.pids(component) {
            components.stop_process(pid, "-KILL");
        }
    }
    // These events are not in the backup, and further commands are pending.
    load.send_bids(200).await;
    load.wait_for_outcomes(load.distinct_count()).await;
    load.wait_until_settled().await;
    wait_until_notifiers_caught_up(&servers).await;
    RUNNING.iter().for_each(|component| components.signal_component(component, "-STOP"));
    load.send_bids(100).await;
    servers.kill_postgres().await;
    copy(&backup, &cluster);
    servers.start_postgres().await.unwrap();
    let before = heads(&servers).await;
    RUNNING.iter().for_each(|component| components.signal_component(component, "-CONT"));

    for component in RUNNING {
        for _ in 0..PROCESSES {
            assert_eq!(components.wait_for_exit(component).await, Some(1), "{component}");
        }
    }
    // The writer also refuses to run after a restart.
    for component in STARTED_LATER.into_iter().chain(["writer"]) {
        components.add(component);
        assert_eq!(components.wait_for_exit(component).await, Some(1), "{component}");
    }
    for component in RUNNING.into_iter().chain(STARTED_LATER) {
        let logs = components.logs(component);
        assert!(logs.contains("restored from an older backup"), "{component}: {logs}");
    }
    assert_eq!(heads(&servers).await, before, "no events were appended or processed");

    follow_instructions(&mut components, &servers, &mut load).await;
    components.terminate();
}
