//! Writers are killed, paused, drained and replaced under load, and their backends restarted. With every
//! concurrency mode, every command has one outcome, in order, and no command is left pending.

use crate::support::components::RunningComponents;
use crate::support::is_long_run;
use crate::support::load::Load;
use auction_local_servers::{LocalServerOptions, LocalServers};
use auction_testkit::random::Random;
use std::time::{Duration, Instant};

const LEASE_SECONDS: &str = "2";

async fn servers(directory: &tempfile::TempDir) -> LocalServers {
    LocalServers::start(LocalServerOptions::new(directory.path())).await.unwrap()
}

fn start_writers(servers: &LocalServers, concurrency: &str, count: usize) -> RunningComponents {
    let settings = [
        ("AUCTION__WRITER__CONCURRENCY", concurrency),
        ("AUCTION__WRITER__LEASE_SECONDS", LEASE_SECONDS),
        // Small batches, so that kills interrupt more of them.
        ("AUCTION__WRITER__MAX_BATCH", "20"),
    ];
    let mut components = RunningComponents::new(servers, &settings);
    components.add("projector");
    for _ in 0..count {
        components.add("writer");
    }
    components
}

/// Kills a backend, or kills, pauses, resumes or drains a writer, at random.
async fn disturb(
    random: &mut Random,
    servers: &mut LocalServers,
    components: &mut RunningComponents,
    paused: &mut Vec<u32>,
) {
    let writers = components.pids("writer");
    let running: Vec<u32> = writers.into_iter().filter(|pid| !paused.contains(pid)).collect();
    match random.below(20) {
        0 => {
            println!("redis is killed");
            servers.kill_redis().await;
            servers.start_redis().await.unwrap();
        }
        1 => {
            println!("postgres is killed");
            servers.kill_postgres().await;
            servers.start_postgres().await.unwrap();
        }
        2..=6 if running.len() > 1 => {
            let pid = *random.pick(&running);
            println!("{pid} is paused");
            components.signal_process(pid, "-STOP");
            paused.push(pid);
        }
        7..=10 if !paused.is_empty() => {
            let pid = paused.remove(random.below(paused.len() as u64) as usize);
            println!("{pid} is resumed");
            components.signal_process(pid, "-CONT");
        }
        11 | 12 => {
            let pid = *random.pick(&running);
            println!("{pid} is drained");
            assert_eq!(components.stop_process(pid, "-TERM"), Some(0));
            components.add("writer");
        }
        _ => {
            let pid = *random.pick(&running);
            println!("{pid} is killed");
            components.stop_process(pid, "-KILL");
            components.add("writer");
        }
    }
}

/// Disturbs `count` writers at moments drawn from a seed, and asserts that all results are correct.
async fn assert_correct_under_disturbances(concurrency: &str, count: usize, disturbances: u64) {
    let seed = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(20_261_123);
    println!("SEED={seed} {concurrency}");
    let mut random = Random::new(seed);
    let directory = tempfile::tempdir().unwrap();
    let mut servers = servers(&directory).await;
    let mut components = start_writers(&servers, concurrency, count);
    let mut load = Load::prepare(&servers, seed).await;
    let mut paused = Vec::new();
    for _ in 0..disturbances {
        load.send_bids(300).await;
        // A random moment while these are decided.
        let begin = load.outcome_count().await.unwrap();
        load.wait_for_outcomes(begin + random.below(250).min(load.distinct_count() - begin)).await;
        disturb(&mut random, &mut servers, &mut components, &mut paused).await;
    }
    paused.iter().for_each(|pid| components.signal_process(*pid, "-CONT"));
    load.assert_consistent().await;
    components.verify(&servers);
    let ended = components.terminate();
    assert!(ended.iter().all(|code| *code == Some(0)), "{ended:?}");
    servers.stop().await.unwrap();
}

#[tokio::test]
async fn commands_are_decided_once_in_order_by_leased_writers() {
    assert_correct_under_disturbances("leased", 3, if is_long_run() { 300 } else { 14 }).await;
}

#[tokio::test]
async fn commands_are_decided_once_in_order_by_optimistic_writers() {
    assert_correct_under_disturbances("optimistic", 2, if is_long_run() { 100 } else { 6 }).await;
}

#[tokio::test]
async fn commands_are_decided_once_in_order_by_pessimistic_writers() {
    assert_correct_under_disturbances("pessimistic", 2, if is_long_run() { 100 } else { 6 }).await;
}

#[tokio::test]
async fn writers_share_partitions_and_hand_them_over() {
    let directory = tempfile::tempdir().unwrap();
    let servers = servers(&directory).await;
    let mut components = start_writers(&servers, "leased", 2);
    let mut load = Load::prepare(&servers, 1).await;
    load.wait_for_shares("writer", &[4, 4]).await;
    load.send_bids(500).await;
    components.add("writer");
    let took = load.wait_for_shares("writer", &[2, 3, 3]).await;
    println!("a new writer had its share after {took:?}");
    assert!(took < Duration::from_secs(5));

    load.send_bids(500).await;
    let pids = components.pids("writer");
    let began = Instant::now();
    assert_eq!(components.stop_process(pids[0], "-TERM"), Some(0));
    load.wait_for_shares("writer", &[4, 4]).await;
    println!("a drained writer was replaced after {:?}", began.elapsed());
    assert!(began.elapsed() < Duration::from_secs(3));

    load.send_bids(500).await;
    components.stop_process(pids[1], "-KILL");
    let took = load.wait_for_shares("writer", &[8]).await;
    println!("a killed writer was replaced after {took:?}");
    assert!(took < Duration::from_secs(5), "the takeover takes one lease and one poll");
    load.assert_consistent().await;
    components.verify(&servers);
    servers.stop().await.unwrap();
}
