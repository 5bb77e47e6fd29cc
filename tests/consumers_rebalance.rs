//! Projectors and auctioneers that are killed, paused, drained and replaced under load: the views are
//! right, every auction closes once, and the partitions are shared out evenly among those that are there.

use crate::support::components::Roles;
use crate::support::load::Load;
use crate::support::{database, eventually, long};
use auction_domain::DurationMs;
use auction_local_servers::{LocalServerOptions, LocalServers};
use auction_testkit::random::Random;
use std::time::Duration;

const FOLLOWERS: [&str; 2] = ["projector", "auctioneer"];

/// Auctions that end in each round.
const ENDING: u64 = 16;

fn roles(servers: &LocalServers, of_each: usize) -> Roles {
    let settings = [
        ("AUCTION__PROJECTOR__LEASE_SECONDS", "2"),
        ("AUCTION__AUCTIONEER__LEASE_SECONDS", "2"),
        // Small batches: more of them are cut in two.
        ("AUCTION__PROJECTOR__BATCH", "20"),
    ];
    let mut roles = Roles::none(servers, &settings);
    roles.add("writer");
    for _ in 0..of_each {
        for role in FOLLOWERS {
            roles.add(role);
        }
    }
    roles
}

/// What happens to a follower.
fn disturb(random: &mut Random, roles: &mut Roles, paused: &mut Vec<u32>) {
    let role = *random.pick(&FOLLOWERS);
    let awake: Vec<u32> = roles.pids(role).into_iter().filter(|pid| !paused.contains(pid)).collect();
    match random.below(10) {
        0..=2 if awake.len() > 1 => {
            let pid = *random.pick(&awake);
            println!("{role} {pid} is paused");
            roles.signal_one(pid, "-STOP");
            paused.push(pid);
        }
        3 | 4 if !paused.is_empty() => {
            let pid = paused.remove(random.below(paused.len() as u64) as usize);
            println!("{pid} goes on");
            roles.signal_one(pid, "-CONT");
        }
        5 => {
            let pid = *random.pick(&awake);
            println!("{role} {pid} is told to stop");
            assert_eq!(roles.end(pid, "-TERM"), Some(0));
            roles.add(role);
        }
        _ => {
            let pid = *random.pick(&awake);
            println!("{role} {pid} is killed");
            roles.end(pid, "-KILL");
            roles.add(role);
        }
    }
}

#[tokio::test]
async fn views_are_right_and_auctions_close_once_when_followers_come_and_go() {
    let seed = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(20_261_123);
    println!("SEED={seed}");
    let mut random = Random::new(seed);
    let directory = tempfile::tempdir().unwrap();
    let servers = LocalServers::start(LocalServerOptions::new(directory.path())).await.unwrap();
    let mut roles = roles(&servers, 2);
    let mut load = Load::prepare(&servers, seed).await;
    let (mut paused, rounds) = (Vec::new(), if long() { 200 } else { 12 });
    for _ in 0..rounds {
        let ends_at = load.now().await + DurationMs::seconds(1);
        load.auctions_that_end(ENDING, ends_at).await;
        load.bids(300).await;
        // Somewhere within these.
        let begin = load.outcomes().await.unwrap();
        load.decided(begin + random.below(250).min(load.different().saturating_sub(begin))).await;
        disturb(&mut random, &mut roles, &mut paused);
    }
    paused.iter().for_each(|pid| roles.signal_one(*pid, "-CONT"));
    load.decided(load.different()).await;
    let database = database(servers.database_url()).await;
    eventually("all auctions are closed", || async {
        (closed(&database).await.1 == rounds * ENDING).then_some(())
    })
    .await;
    assert_eq!(closed(&database).await.0, rounds * ENDING, "each once");
    roles.verify(&servers);
    let ended = roles.terminate();
    assert!(ended.iter().all(|code| *code == Some(0)), "{ended:?}");
    servers.stop().await.unwrap();
}

/// How many events say that an auction is closed, and how many auctions are.
async fn closed(database: &tokio_postgres::Client) -> (u64, u64) {
    let query = "SELECT count(*), count(DISTINCT aggregate) FROM events WHERE kind = 'auction_closed_unsold'";
    let row = database.query_one(query, &[]).await.unwrap();
    (row.get::<_, i64>(0) as u64, row.get::<_, i64>(1) as u64)
}

#[tokio::test]
async fn thousands_that_end_in_the_same_second_close_once_whoever_is_killed_meanwhile() {
    let count = if long() { 20_000 } else { 2_000 };
    let directory = tempfile::tempdir().unwrap();
    let servers = LocalServers::start(LocalServerOptions::new(directory.path())).await.unwrap();
    let mut roles = roles(&servers, 2);
    let mut load = Load::prepare(&servers, 2).await;
    let ends_at = load.now().await + DurationMs::seconds(if long() { 30 } else { 8 });
    load.auctions_that_end(count, ends_at).await;
    load.decided(load.different()).await;
    assert!(load.now().await < ends_at, "all were decided before they ended");
    let database = database(servers.database_url()).await;
    eventually("some are closed", || async { (closed(&database).await.1 > 0).then_some(()) }).await;
    let pids = roles.pids("auctioneer");
    roles.end(pids[0], "-KILL");
    eventually("all auctions are closed", || async { (closed(&database).await.1 == count).then_some(()) })
        .await;
    println!(
        "{count} closed {} ms after their end, one auctioneer of two killed",
        load.now().await.0 - ends_at.0
    );
    // What is still on its way changes nothing.
    load.quiet().await;
    assert_eq!(closed(&database).await, (count, count), "each once");
    roles.verify(&servers);
    assert!(roles.terminate().iter().all(|code| *code == Some(0)));
    servers.stop().await.unwrap();
}

#[tokio::test]
async fn followers_share_the_partitions_and_hand_them_over() {
    let directory = tempfile::tempdir().unwrap();
    let servers = LocalServers::start(LocalServerOptions::new(directory.path())).await.unwrap();
    let mut roles = roles(&servers, 2);
    let mut load = Load::prepare(&servers, 1).await;
    for role in FOLLOWERS {
        load.shared(role, &[4, 4]).await;
        load.bids(300).await;
        let pids = roles.pids(role);
        roles.end(pids[0], "-KILL");
        let took = load.shared(role, &[8]).await;
        println!("a killed {role} was replaced after {took:?}");
        assert!(took < Duration::from_secs(5), "within the time of a lease, and a look");
        roles.add(role);
        load.shared(role, &[4, 4]).await;
        assert_eq!(roles.end(pids[1], "-TERM"), Some(0));
        let took = load.shared(role, &[8]).await;
        println!("a drained {role} had handed over after {took:?}");
        assert!(took < Duration::from_secs(3));
    }
    load.check().await;
    roles.verify(&servers);
    servers.stop().await.unwrap();
}
