//! Many writers that are killed, paused, drained and replaced under load, with the servers restarted
//! beneath them: every command has one outcome, in order, and nothing is left over. However they share
//! the partitions.

use crate::support::components::Roles;
use crate::support::load::Load;
use crate::support::long;
use auction_local_servers::{LocalServerOptions, LocalServers};
use auction_testkit::random::Random;
use std::time::{Duration, Instant};

const LEASE_SECONDS: &str = "2";

async fn servers(directory: &tempfile::TempDir) -> LocalServers {
    LocalServers::start(LocalServerOptions::new(directory.path())).await.unwrap()
}

fn writers(servers: &LocalServers, concurrency: &str, count: usize) -> Roles {
    let settings = [
        ("AUCTION__WRITER__CONCURRENCY", concurrency),
        ("AUCTION__WRITER__LEASE_SECONDS", LEASE_SECONDS),
        // Small batches: more of them are cut in two.
        ("AUCTION__WRITER__BATCH", "20"),
    ];
    let mut roles = Roles::none(servers, &settings);
    roles.add("projector");
    for _ in 0..count {
        roles.add("writer");
    }
    roles
}

/// What happens to a writer, or to a server.
async fn disturb(random: &mut Random, servers: &mut LocalServers, roles: &mut Roles, paused: &mut Vec<u32>) {
    let writers = roles.pids("writer");
    let awake: Vec<u32> = writers.into_iter().filter(|pid| !paused.contains(pid)).collect();
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
        2..=6 if awake.len() > 1 => {
            let pid = *random.pick(&awake);
            println!("{pid} is paused");
            roles.signal_one(pid, "-STOP");
            paused.push(pid);
        }
        7..=10 if !paused.is_empty() => {
            let pid = paused.remove(random.below(paused.len() as u64) as usize);
            println!("{pid} goes on");
            roles.signal_one(pid, "-CONT");
        }
        11 | 12 => {
            let pid = *random.pick(&awake);
            println!("{pid} is told to stop");
            assert_eq!(roles.end(pid, "-TERM"), Some(0));
            roles.add("writer");
        }
        _ => {
            let pid = *random.pick(&awake);
            println!("{pid} is killed");
            roles.end(pid, "-KILL");
            roles.add("writer");
        }
    }
}

/// So many disturbances of so many writers, at moments drawn from a seed.
async fn disturbed(concurrency: &str, count: usize, disturbances: u64) {
    let seed = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(20_261_123);
    println!("SEED={seed} {concurrency}");
    let mut random = Random::new(seed);
    let directory = tempfile::tempdir().unwrap();
    let mut servers = servers(&directory).await;
    let mut roles = writers(&servers, concurrency, count);
    let mut load = Load::prepare(&servers, seed).await;
    let mut paused = Vec::new();
    for _ in 0..disturbances {
        load.bids(300).await;
        // Somewhere within these.
        let begin = load.outcomes().await.unwrap();
        load.decided(begin + random.below(250).min(load.different() - begin)).await;
        disturb(&mut random, &mut servers, &mut roles, &mut paused).await;
    }
    paused.iter().for_each(|pid| roles.signal_one(*pid, "-CONT"));
    load.check().await;
    roles.verify(&servers);
    let ended = roles.terminate();
    assert!(ended.iter().all(|code| *code == Some(0)), "{ended:?}");
    servers.stop().await.unwrap();
}

#[tokio::test]
async fn nothing_is_lost_doubled_or_reordered_when_leased_writers_come_and_go() {
    disturbed("leased", 3, if long() { 300 } else { 14 }).await;
}

#[tokio::test]
async fn nothing_is_lost_doubled_or_reordered_when_writers_fight_for_every_partition() {
    disturbed("optimistic", 2, if long() { 100 } else { 6 }).await;
}

#[tokio::test]
async fn nothing_is_lost_doubled_or_reordered_when_writers_take_turns() {
    disturbed("pessimistic", 2, if long() { 100 } else { 6 }).await;
}

#[tokio::test]
async fn writers_share_the_partitions_and_hand_them_over() {
    let directory = tempfile::tempdir().unwrap();
    let servers = servers(&directory).await;
    let mut roles = writers(&servers, "leased", 2);
    let mut load = Load::prepare(&servers, 1).await;
    load.shared("writer", &[4, 4]).await;
    load.bids(500).await;
    roles.add("writer");
    let took = load.shared("writer", &[2, 3, 3]).await;
    println!("a new writer had its share after {took:?}");
    assert!(took < Duration::from_secs(5));

    load.bids(500).await;
    let pids = roles.pids("writer");
    let began = Instant::now();
    assert_eq!(roles.end(pids[0], "-TERM"), Some(0));
    load.shared("writer", &[4, 4]).await;
    println!("a drained writer had handed over after {:?}", began.elapsed());
    assert!(began.elapsed() < Duration::from_secs(3));

    load.bids(500).await;
    roles.end(pids[1], "-KILL");
    let took = load.shared("writer", &[8]).await;
    println!("a killed writer was replaced after {took:?}");
    assert!(took < Duration::from_secs(5), "within the time of a lease, and a look");
    load.check().await;
    roles.verify(&servers);
    servers.stop().await.unwrap();
}
