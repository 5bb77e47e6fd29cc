//! Postgres is restored from an older backup while Redis holds newer events. Every component that would mix
//! the two ends with instructions. After following them, the portal runs again.

use crate::support::components::RunningComponents;
use crate::support::load::Load;
use crate::support::polling_readers::wait_until_all_notified;
use crate::support::{database, output_text};
use auction_local_servers::{LocalServerOptions, LocalServers};
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// Number of partitions; all have newer events than the backup.
const PARTITIONS: usize = 8;

const CONSUMERS: [&str; 4] = ["projector", "auctioneer", "notifier", "promoter"];

/// Copies a stopped Postgres cluster with its owner and permissions.
fn copy(from: &Path, to: &Path) {
    if to.exists() {
        std::fs::remove_dir_all(to).unwrap();
    }
    let copied = Command::new("cp").arg("-a").args([from, to]).status().unwrap();
    assert!(copied.success());
}

async fn query_number(servers: &LocalServers, query: &str) -> i64 {
    database(servers.database_url()).await.query_one(query, &[]).await.unwrap().get(0)
}

async fn wait_until_notifiers_caught_up(servers: &LocalServers) {
    wait_until_all_notified(&database(servers.database_url()).await).await;
}

/// A running portal, and the directories of its Postgres cluster and of a backup.
struct Portal {
    components: RunningComponents,
    load: Load,
    servers: LocalServers,
    cluster: PathBuf,
    backup: PathBuf,
    _directory: TempDir,
}

async fn start_portal(count: usize, seed: u64) -> Portal {
    let directory = tempfile::tempdir().unwrap();
    let servers = LocalServers::start(LocalServerOptions::new(directory.path())).await.unwrap();
    let cluster = servers.data_dir().join("postgres/cluster");
    let backup = directory.path().join("backup");
    let components = RunningComponents::start(&servers, count);
    components.wait_until_ready().await;
    let load = Load::prepare(&servers, seed).await;
    Portal { components, load, servers, cluster, backup, _directory: directory }
}

/// Returns the sums of the stored positions and of the notifier checkpoints.
async fn heads(servers: &LocalServers) -> (i64, i64) {
    let stored = "SELECT sum(head)::bigint FROM partitions";
    let notified = "SELECT sum(position)::bigint FROM notifier_checkpoints";
    (query_number(servers, stored).await, query_number(servers, notified).await)
}

#[tokio::test]
async fn restored_backup_is_refused_until_streams_are_deleted() {
    let Portal { mut servers, mut components, mut load, cluster, backup, _directory } =
        start_portal(1, 11).await;
    load.send_bids(200).await;
    load.wait_for_outcomes(load.distinct_count()).await;
    wait_until_notifiers_caught_up(&servers).await;
    servers.kill_postgres().await;
    copy(&cluster, &backup);
    servers.start_postgres().await.unwrap();

    // These events are not in the backup, and no consumer has read them when the backup is restored.
    for component in CONSUMERS {
        let [pid] = components.pids(component)[..] else { panic!("one {component}") };
        components.stop_process(pid, "-KILL");
    }
    load.send_bids(200).await;
    load.wait_for_outcomes(load.distinct_count()).await;
    load.wait_until_settled().await;
    servers.kill_postgres().await;
    copy(&backup, &cluster);
    servers.start_postgres().await.unwrap();
    let before = heads(&servers).await;

    // The writer notices when it reconnects to Postgres; the consumers notice when they start.
    assert_eq!(components.wait_for_exit("writer").await, Some(1));
    let mut logs = components.logs("writer");
    for component in CONSUMERS {
        components.add(component);
        assert_eq!(components.wait_for_exit(component).await, Some(1), "{component}");
        logs += &components.logs(component);
    }
    components.add("writer");
    load.send_bids(50).await;
    assert_eq!(
        components.wait_for_exit("writer").await,
        Some(1),
        "the writer refuses to run after a restart, too"
    );
    assert_eq!(heads(&servers).await, before, "no events were appended or processed");
    for component in CONSUMERS.iter().chain(&["writer"]) {
        assert!(logs.contains("restored from an older backup"), "{component}: {logs}");
    }

    follow_instructions(&mut components, &servers, &mut load, 1).await;
    let ended = components.terminate();
    assert!(ended.iter().all(|code| *code == Some(0)), "{ended:?}");
    servers.stop().await.unwrap();
}

/// Follows the instructions of the error: stops all processes, deletes the keys `ap:{NN}:evt` and
/// `ap:{NN}:read-model:*`, and starts again. Senders whose outcomes were lost repeat their commands.
async fn follow_instructions(
    components: &mut RunningComponents,
    servers: &LocalServers,
    load: &mut Load,
    count: usize,
) {
    let [ingress] = components.pids("ingress")[..] else { panic!("one ingress") };
    assert_eq!(components.stop_process(ingress, "-TERM"), Some(0));
    let client = redis::Client::open(servers.redis_url()).unwrap();
    let mut redis = client.get_multiplexed_async_connection().await.unwrap();
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
    for component in CONSUMERS.iter().chain(&["writer"]) {
        for _ in 0..count {
            components.add(component);
        }
    }
    components.add("ingress");
    components.wait_until_ready().await;
    // Commands that are in the backup keep their outcome.
    load.resend_all().await;
    load.wait_until_all_decided().await;
    load.wait_until_settled().await;
    wait_until_notifiers_caught_up(servers).await;
    components.verify(servers);
}

/// Takes a base backup of the running cluster, as an operator would, and gives it the owner of the cluster.
async fn base_backup(servers: &LocalServers, cluster: &Path, backup: &Path) {
    let psql = servers.psql();
    let bin = Path::new(psql.split(' ').next().unwrap().trim_matches('\'')).parent().unwrap();
    let mut command = tokio::process::Command::new(bin.join("pg_basebackup"));
    command.args([
        "--wal-method=stream",
        "--checkpoint=fast",
        "--dbname",
        servers.database_url(),
        "--pgdata",
    ]);
    let output = command.arg(backup).output().await.unwrap();
    assert!(output.status.success(), "{}", output_text(&output));
    let mut owner = Command::new("chown");
    owner.arg("-R").arg(format!("--reference={}", cluster.display())).arg(backup);
    assert!(owner.status().unwrap().success());
}

#[tokio::test]
async fn components_stop_when_a_base_backup_is_restored_under_load() {
    let Portal { mut servers, mut components, mut load, cluster, backup, _directory } =
        start_portal(2, 12).await;
    tokio::join!(base_backup(&servers, &cluster, &backup), load.send_bids(300));
    // All consumers have read events that are not in the backup, and further commands are pending.
    load.send_bids(200).await;
    load.wait_for_outcomes(load.distinct_count()).await;
    load.wait_until_settled().await;
    wait_until_notifiers_caught_up(&servers).await;
    let all = || CONSUMERS.iter().chain(&["writer"]);
    all().for_each(|component| components.signal_component(component, "-STOP"));
    load.send_bids(100).await;
    servers.kill_postgres().await;
    copy(&backup, &cluster);
    servers.start_postgres().await.unwrap();
    let before = heads(&servers).await;
    all().for_each(|component| components.signal_component(component, "-CONT"));

    for component in all() {
        for _ in 0..2 {
            assert_eq!(components.wait_for_exit(component).await, Some(1), "{component}");
        }
        let logs = components.logs(component);
        assert!(logs.contains("restored from an older backup"), "{component}: {logs}");
    }
    assert_eq!(heads(&servers).await, before, "no events were appended or processed");

    follow_instructions(&mut components, &servers, &mut load, 2).await;
    let ended = components.terminate();
    assert!(ended.iter().all(|code| *code == Some(0)), "{ended:?}");
    servers.stop().await.unwrap();
}
