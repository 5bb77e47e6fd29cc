//! Postgres is restored from an older backup while Redis holds newer events. Everybody who would mix the two stops and
//! says what to do; following that word by word, the portal runs again.

use crate::support::components::Roles;
use crate::support::load::Load;
use crate::support::{database, eventually, text};
use auction_local_servers::{LocalServerOptions, LocalServers};
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// Of the default number of partitions of a test, all of which have newer events.
const PARTITIONS: usize = 8;

const FOLLOWERS: [&str; 4] = ["projector", "auctioneer", "notifier", "promoter"];

/// Copies a cluster that does not run, with its owner and rights.
fn copy(from: &Path, to: &Path) {
    if to.exists() {
        std::fs::remove_dir_all(to).unwrap();
    }
    let copied = Command::new("cp").arg("-a").args([from, to]).status().unwrap();
    assert!(copied.success());
}

async fn one(servers: &LocalServers, query: &str) -> i64 {
    database(servers.database_url()).await.query_one(query, &[]).await.unwrap().get(0)
}

/// Waits until everybody has told whatever the database holds.
async fn all_is_told(servers: &LocalServers) {
    let database = database(servers.database_url()).await;
    let behind = "SELECT count(*) FROM partitions p LEFT JOIN notifier_checkpoints n ON n.partition = p.id \
                  WHERE coalesce(n.position, 0) < p.head";
    eventually("the notifiers are there", || async {
        (database.query_one(behind, &[]).await.unwrap().get::<_, i64>(0) == 0).then_some(())
    })
    .await;
}

/// A portal with so many of each role, and where its cluster and a backup of it are.
struct Portal {
    roles: Roles,
    load: Load,
    servers: LocalServers,
    cluster: PathBuf,
    backup: PathBuf,
    _directory: TempDir,
}

async fn portal(of_each: usize, seed: u64) -> Portal {
    let directory = tempfile::tempdir().unwrap();
    let servers = LocalServers::start(LocalServerOptions::new(directory.path())).await.unwrap();
    let cluster = servers.data_dir().join("postgres/cluster");
    let backup = directory.path().join("backup");
    let roles = Roles::start(&servers, of_each);
    roles.ready().await;
    let load = Load::prepare(&servers, seed).await;
    Portal { roles, load, servers, cluster, backup, _directory: directory }
}

/// How far the store is, and the notifiers.
async fn heads(servers: &LocalServers) -> (i64, i64) {
    let state = "SELECT sum(head)::bigint FROM partitions";
    let told = "SELECT sum(position)::bigint FROM notifier_checkpoints";
    (one(servers, state).await, one(servers, told).await)
}

#[tokio::test]
async fn nobody_goes_on_with_a_restored_database_and_newer_streams_and_the_way_out_works() {
    let Portal { mut servers, mut roles, mut load, cluster, backup, _directory } = portal(1, 11).await;
    load.bids(200).await;
    load.decided(load.different()).await;
    all_is_told(&servers).await;
    servers.kill_postgres().await;
    copy(&cluster, &backup);
    servers.start_postgres().await.unwrap();

    // What happens now is not in the backup; whoever follows has not read it when the backup is restored.
    for role in FOLLOWERS {
        let [pid] = roles.pids(role)[..] else { panic!("one {role}") };
        roles.end(pid, "-KILL");
    }
    load.bids(200).await;
    load.decided(load.different()).await;
    load.quiet().await;
    servers.kill_postgres().await;
    copy(&backup, &cluster);
    servers.start_postgres().await.unwrap();
    let before = heads(&servers).await;

    // The writer has lost its connections and finds out when it comes back; who starts finds out at once.
    assert_eq!(roles.ended("writer").await, Some(1));
    let mut said = roles.said("writer");
    for role in FOLLOWERS {
        roles.add(role);
        assert_eq!(roles.ended(role).await, Some(1), "{role}");
        said += &roles.said(role);
    }
    roles.add("writer");
    load.bids(50).await;
    assert_eq!(roles.ended("writer").await, Some(1), "it does not go on however often it is started");
    assert_eq!(heads(&servers).await, before, "nothing was mixed");
    for role in FOLLOWERS.iter().chain(&["writer"]) {
        assert!(said.contains("restored from an older backup"), "{role}: {said}");
    }

    follow_the_advice(&mut roles, &servers, &mut load, 1).await;
    let ended = roles.terminate();
    assert!(ended.iter().all(|code| *code == Some(0)), "{ended:?}");
    servers.stop().await.unwrap();
}

/// "Stop everything, delete the keys ap:{NN}:evt and ap:{NN}:view:* and start again": then all is well, and whoever has no
/// outcome any more asks again.
async fn follow_the_advice(roles: &mut Roles, servers: &LocalServers, load: &mut Load, of_each: usize) {
    let [ingress] = roles.pids("ingress")[..] else { panic!("one ingress") };
    assert_eq!(roles.end(ingress, "-TERM"), Some(0));
    let client = redis::Client::open(servers.redis_url()).unwrap();
    let mut redis = client.get_multiplexed_async_connection().await.unwrap();
    for partition in 0..PARTITIONS {
        let views: Vec<String> = redis::cmd("KEYS")
            .arg(format!("ap:{{{partition:02}}}:view:*"))
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
    for role in FOLLOWERS.iter().chain(&["writer"]) {
        for _ in 0..of_each {
            roles.add(role);
        }
    }
    roles.add("ingress");
    roles.ready().await;
    // What the backup has keeps its outcome.
    load.give_again().await;
    load.all_have_an_outcome().await;
    load.quiet().await;
    all_is_told(servers).await;
    roles.verify(servers);
}

/// A base backup, as an operator takes it while everything runs, with the owner that the cluster has.
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
    assert!(output.status.success(), "{}", text(&output));
    let mut owner = Command::new("chown");
    owner.arg("-R").arg(format!("--reference={}", cluster.display())).arg(backup);
    assert!(owner.status().unwrap().success());
}

#[tokio::test]
async fn nobody_of_those_who_run_goes_on_with_a_base_backup_that_is_restored_under_load() {
    let Portal { mut servers, mut roles, mut load, cluster, backup, _directory } = portal(2, 12).await;
    tokio::join!(base_backup(&servers, &cluster, &backup), load.bids(300));
    // Everybody has read what is not in the backup; and there is more to do.
    load.bids(200).await;
    load.decided(load.different()).await;
    load.quiet().await;
    all_is_told(&servers).await;
    let everybody = || FOLLOWERS.iter().chain(&["writer"]);
    everybody().for_each(|role| roles.signal(role, "-STOP"));
    load.bids(100).await;
    servers.kill_postgres().await;
    copy(&backup, &cluster);
    servers.start_postgres().await.unwrap();
    let before = heads(&servers).await;
    everybody().for_each(|role| roles.signal(role, "-CONT"));

    for role in everybody() {
        for _ in 0..2 {
            assert_eq!(roles.ended(role).await, Some(1), "{role}");
        }
        let said = roles.said(role);
        assert!(said.contains("restored from an older backup"), "{role}: {said}");
    }
    assert_eq!(heads(&servers).await, before, "nothing was mixed");

    follow_the_advice(&mut roles, &servers, &mut load, 2).await;
    let ended = roles.terminate();
    assert!(ended.iter().all(|code| *code == Some(0)), "{ended:?}");
    servers.stop().await.unwrap();
}
