//! Streams are trimmed while writers work and are killed, and nothing that is undecided goes; outcomes go at
//! the end of their retention, and a repeat has no second effect.

use crate::support::components::Roles;
use crate::support::load::Load;
use crate::support::{database, eventually, long};
use auction_local_servers::{LocalServerOptions, LocalServers};
use auction_testkit::random::Random;

/// Everything goes at once that may; and auctions are read from snapshots again and again.
const AT_ONCE: [(&str, &str); 7] = [
    ("AUCTION__RETENTION__COMMANDS_SECONDS", "0"),
    ("AUCTION__RETENTION__EVENTS_SECONDS", "0"),
    ("AUCTION__RETENTION__EVERY_MS", "50"),
    ("AUCTION__WRITER__LEASE_SECONDS", "2"),
    ("AUCTION__WRITER__BATCH", "20"),
    ("AUCTION__WRITER__SNAPSHOT_EVENTS", "10"),
    ("AUCTION__WRITER__CACHED_AGGREGATES", "2"),
];

fn roles(servers: &LocalServers, writers: usize) -> Roles {
    let mut roles = Roles::none(servers, &AT_ONCE);
    roles.add("projector");
    for _ in 0..writers {
        roles.add("writer");
    }
    roles
}

/// Each entry is a node of its own, so that all go that may.
async fn small_nodes(servers: &LocalServers) {
    let mut redis =
        redis::Client::open(servers.redis_url()).unwrap().get_multiplexed_async_connection().await.unwrap();
    let mut set = redis::cmd("CONFIG");
    set.arg("SET").arg("stream-node-max-entries").arg(1);
    set.query_async::<()>(&mut redis).await.unwrap();
}

#[tokio::test]
async fn no_undecided_command_is_trimmed_while_writers_are_killed() {
    let seed = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(20_261_124);
    println!("SEED={seed}");
    let mut random = Random::new(seed);
    let directory = tempfile::tempdir().unwrap();
    let servers = LocalServers::start(LocalServerOptions::new(directory.path())).await.unwrap();
    small_nodes(&servers).await;
    let mut roles = roles(&servers, 3);
    let mut load = Load::prepare(&servers, seed).await;
    for _ in 0..if long() { 200 } else { 12 } {
        load.bids(300).await;
        let begin = load.outcomes().await.unwrap();
        load.decided(begin + random.below(250).min(load.different() - begin)).await;
        let writers = roles.pids("writer");
        let pid = *random.pick(&writers);
        roles.end(pid, "-KILL");
        roles.add("writer");
    }
    load.check().await;
    let events = load.different();
    eventually("what is decided has gone, and all events but the last ones", || async {
        let (commands, events) = load.stream_lengths().await?;
        (commands == 0 && events == 8).then_some(())
    })
    .await;
    println!("{events} commands and their events went");
    let database = database(servers.database_url()).await;
    let snapshots = database.query_one("SELECT count(*) FROM snapshots", &[]).await.unwrap();
    assert!(snapshots.get::<_, i64>(0) > 0, "auctions have snapshots");
    roles.verify(&servers);
    let ended = roles.terminate();
    assert!(ended.iter().all(|code| *code == Some(0)), "{ended:?}");
    servers.stop().await.unwrap();
}

#[tokio::test]
async fn an_outcome_goes_after_its_retention_and_a_repeat_has_no_second_effect() {
    const DAY_MS: i64 = 24 * 60 * 60 * 1000;
    let directory = tempfile::tempdir().unwrap();
    let servers = LocalServers::start(LocalServerOptions::new(directory.path())).await.unwrap();
    let roles = roles(&servers, 2);
    let mut load = Load::prepare(&servers, 3).await;
    load.bids(200).await;
    load.decided(load.different()).await;
    let database = database(servers.database_url()).await;
    let count = async |of: &str| -> i64 {
        database.query_one(&format!("SELECT count(*) FROM {of}"), &[]).await.unwrap().get(0)
    };
    let (outcomes, events) = (count("commands").await, count("events").await);
    // As if time had passed: half of them are a day short of the retention, half are over.
    let age = "UPDATE commands SET at = at - CASE WHEN position % 2 = 0 THEN $1::bigint ELSE $2::bigint END";
    database.execute(age, &[&(29 * DAY_MS), &(31 * DAY_MS)]).await.unwrap();
    let young = count("commands WHERE position % 2 = 0").await;
    assert!(0 < young && young < outcomes);
    eventually("the old ones have gone", || async { (count("commands").await == young).then_some(()) }).await;
    load.repeat_all().await;
    load.decided(u64::try_from(outcomes).unwrap()).await;
    load.quiet().await;
    assert_eq!(count("events").await, events, "no repeat had an effect");
    roles.verify(&servers);
    servers.stop().await.unwrap();
}
