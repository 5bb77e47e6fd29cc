//! Projectors and auctioneers are killed, paused, drained and replaced under load. Read models are correct,
//! every auction closes once, and the running processes share the partitions evenly.

use crate::support::components::RunningComponents;
use crate::support::load::Load;
use crate::support::{database, eventually, is_long_run};
use auction_domain::DurationMs;
use auction_local_servers::{LocalServerOptions, LocalServers};
use auction_testkit::random::Random;
use std::time::Duration;

const CONSUMERS: [&str; 2] = ["projector", "auctioneer"];

/// Number of auctions that end in each round.
const ENDING: u64 = 16;

fn start_components(servers: &LocalServers, count: usize) -> RunningComponents {
    let settings = [
        ("AUCTION__PROJECTOR__LEASE_SECONDS", "2"),
        ("AUCTION__AUCTIONEER__LEASE_SECONDS", "2"),
        // Small batches, so that kills interrupt more of them.
        ("AUCTION__PROJECTOR__MAX_BATCH", "20"),
    ];
    let mut components = RunningComponents::new(servers, &settings);
    components.add("writer");
    for _ in 0..count {
        components.add_all(CONSUMERS);
    }
    components
}

/// Kills, pauses, resumes or drains a random consumer process.
fn disturb(random: &mut Random, components: &mut RunningComponents, paused: &mut Vec<u32>) {
    let component = *random.pick(&CONSUMERS);
    let running: Vec<u32> =
        components.pids(component).into_iter().filter(|pid| !paused.contains(pid)).collect();
    match random.below(10) {
        0..=2 if running.len() > 1 => {
            let pid = *random.pick(&running);
            println!("{component} {pid} is paused");
            components.signal_process(pid, "-STOP");
            paused.push(pid);
        }
        3 | 4 if !paused.is_empty() => {
            let pid = paused.remove(random.below(paused.len() as u64) as usize);
            println!("{pid} is resumed");
            components.signal_process(pid, "-CONT");
        }
        5 => {
            let pid = *random.pick(&running);
            println!("{component} {pid} is drained");
            assert_eq!(components.stop_process(pid, "-TERM"), Some(0));
            components.add(component);
        }
        _ => {
            let pid = *random.pick(&running);
            println!("{component} {pid} is killed");
            components.stop_process(pid, "-KILL");
            components.add(component);
        }
    }
}

#[tokio::test]
async fn read_models_and_closings_are_correct_under_rebalancing() {
    let seed = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(20_261_123);
    println!("SEED={seed}");
    let mut random = Random::new(seed);
    let directory = tempfile::tempdir().unwrap();
    let servers = LocalServers::start(LocalServerOptions::new(directory.path())).await.unwrap();
    let mut components = start_components(&servers, 2);
    let mut load = Load::prepare(&servers, seed).await;
    let (mut paused, rounds) = (Vec::new(), if is_long_run() { 200 } else { 12 });
    for _ in 0..rounds {
        let ends_at = load.redis_time().await + DurationMs::seconds(1);
        load.send_ending_auctions(ENDING, ends_at).await;
        load.send_bids(300).await;
        // A random moment while these are decided.
        let begin = load.outcome_count().await.unwrap();
        load.wait_for_outcomes(begin + random.below(250).min(load.distinct_count().saturating_sub(begin)))
            .await;
        disturb(&mut random, &mut components, &mut paused);
    }
    paused.iter().for_each(|pid| components.signal_process(*pid, "-CONT"));
    load.wait_for_outcomes(load.distinct_count()).await;
    let database = database(servers.database_url()).await;
    eventually("all auctions are closed", || async {
        (closed(&database).await.1 == rounds * ENDING).then_some(())
    })
    .await;
    assert_eq!(closed(&database).await.0, rounds * ENDING, "each auction is closed once");
    components.verify(&servers);
    let ended = components.terminate();
    assert!(ended.iter().all(|code| *code == Some(0)), "{ended:?}");
    servers.stop().await.unwrap();
}

/// Returns the number of closing events and the number of closed auctions.
async fn closed(database: &tokio_postgres::Client) -> (u64, u64) {
    let query = "SELECT count(*), count(DISTINCT aggregate) FROM events WHERE kind = 'auction_closed_unsold'";
    let row = database.query_one(query, &[]).await.unwrap();
    (row.get::<_, i64>(0) as u64, row.get::<_, i64>(1) as u64)
}

#[tokio::test]
async fn simultaneous_auctions_close_once_when_an_auctioneer_dies() {
    let count = if is_long_run() { 20_000 } else { 2_000 };
    let directory = tempfile::tempdir().unwrap();
    let servers = LocalServers::start(LocalServerOptions::new(directory.path())).await.unwrap();
    let mut components = start_components(&servers, 2);
    let mut load = Load::prepare(&servers, 2).await;
    let ends_at = load.redis_time().await + DurationMs::seconds(if is_long_run() { 30 } else { 8 });
    load.send_ending_auctions(count, ends_at).await;
    load.wait_for_outcomes(load.distinct_count()).await;
    assert!(load.redis_time().await < ends_at, "all auctions were created before their end");
    let database = database(servers.database_url()).await;
    eventually("some auctions are closed", || async { (closed(&database).await.1 > 0).then_some(()) }).await;
    let pids = components.pids("auctioneer");
    components.stop_process(pids[0], "-KILL");
    eventually("all auctions are closed", || async { (closed(&database).await.1 == count).then_some(()) })
        .await;
    println!(
        "{count} closed {} ms after their end, one auctioneer of two killed",
        load.redis_time().await.0 - ends_at.0
    );
    // Close commands that are still pending have no effect.
    load.wait_until_settled().await;
    assert_eq!(closed(&database).await, (count, count), "each auction is closed once");
    components.verify(&servers);
    assert!(components.terminate().iter().all(|code| *code == Some(0)));
    servers.stop().await.unwrap();
}

#[tokio::test]
async fn consumers_share_partitions_and_hand_them_over() {
    let directory = tempfile::tempdir().unwrap();
    let servers = LocalServers::start(LocalServerOptions::new(directory.path())).await.unwrap();
    let mut components = start_components(&servers, 2);
    let mut load = Load::prepare(&servers, 1).await;
    for component in CONSUMERS {
        load.wait_for_shares(component, &[4, 4]).await;
        load.send_bids(300).await;
        let pids = components.pids(component);
        components.stop_process(pids[0], "-KILL");
        let took = load.wait_for_shares(component, &[8]).await;
        println!("a killed {component} was replaced after {took:?}");
        assert!(took < Duration::from_secs(5), "the takeover takes one lease and one poll");
        components.add(component);
        load.wait_for_shares(component, &[4, 4]).await;
        assert_eq!(components.stop_process(pids[1], "-TERM"), Some(0));
        let took = load.wait_for_shares(component, &[8]).await;
        println!("a drained {component} was replaced after {took:?}");
        assert!(took < Duration::from_secs(3));
    }
    load.assert_consistent().await;
    components.verify(&servers);
    servers.stop().await.unwrap();
}
