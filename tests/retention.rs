//! Streams are trimmed while writers are killed, and no undecided command is lost. Outcomes are deleted after
//! their retention, and repeated commands have no second effect.

use crate::support::components::RunningComponents;
use crate::support::load::Load;
use crate::support::servers::TestServers;
use crate::support::{eventually, is_long_run};
use auction_testkit::random::Random;

/// Everything is deleted as soon as it may be, and auctions are often loaded from snapshots.
const SHORTEST_RETENTION: [(&str, &str); 7] = [
    ("AUCTION__RETENTION__COMMANDS_SECONDS", "0"),
    ("AUCTION__RETENTION__EVENTS_SECONDS", "0"),
    ("AUCTION__RETENTION__INTERVAL_MS", "50"),
    ("AUCTION__WRITER__LEASE_SECONDS", "2"),
    ("AUCTION__WRITER__MAX_BATCH", "20"),
    ("AUCTION__WRITER__SNAPSHOT_EVENTS", "10"),
    ("AUCTION__WRITER__AGGREGATE_CACHE_SIZE", "2"),
];

/// Makes Redis store each stream entry in its own node, so that trimming deletes everything it may.
async fn small_nodes(servers: &TestServers) {
    let mut set = redis::cmd("CONFIG");
    set.arg("SET").arg("stream-node-max-entries").arg(1);
    set.query_async::<()>(&mut servers.redis().await).await.unwrap();
}

#[tokio::test]
async fn trimming_keeps_undecided_commands_under_writer_kills() {
    let seed = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(20_261_124);
    println!("SEED={seed}");
    let mut random = Random::new(seed);
    let servers = TestServers::start().await;
    small_nodes(&servers).await;
    let mut components = RunningComponents::new(&servers, &SHORTEST_RETENTION);
    components.add_all(["projector", "writer", "writer", "writer"]);
    let mut load = Load::prepare(&servers, seed).await;
    for _ in 0..if is_long_run() { 200 } else { 6 } {
        load.send_bids(300).await;
        let begin = load.outcome_count().await.unwrap();
        load.wait_for_outcomes(begin + random.below(250).min(load.distinct_count() - begin)).await;
        let writers = components.pids("writer");
        let pid = *random.pick(&writers);
        components.stop_process(pid, "-KILL");
        components.add("writer");
    }
    load.assert_consistent().await;
    let events = load.distinct_count();
    eventually("all commands and all events but the last per partition are trimmed", || async {
        let (commands, events) = load.stream_lengths().await?;
        (commands == 0 && events == 8).then_some(())
    })
    .await;
    println!("{events} commands and their events were trimmed");
    let database = servers.database().await;
    let snapshots = database.query_one("SELECT count(*) FROM snapshots", &[]).await.unwrap();
    assert!(snapshots.get::<_, i64>(0) > 0, "auctions have snapshots");
    outcomes_expire_and_repeats_have_no_second_effect(&servers, &mut load).await;
    servers.verify();
    components.terminate();
}

async fn outcomes_expire_and_repeats_have_no_second_effect(servers: &TestServers, load: &mut Load) {
    const DAY_MS: i64 = 24 * 60 * 60 * 1000;
    let database = servers.database().await;
    let count = async |of: &str| -> i64 {
        database.query_one(&format!("SELECT count(*) FROM {of}"), &[]).await.unwrap().get(0)
    };
    let (outcomes, events) = (count("command_outcomes").await, count("events").await);
    // Ages the outcomes: half are one day below the retention of 30 days, half one day above.
    let age = "UPDATE command_outcomes \
               SET at = at - CASE WHEN position % 2 = 0 THEN $1::bigint ELSE $2::bigint END";
    database.execute(age, &[&(29 * DAY_MS), &(31 * DAY_MS)]).await.unwrap();
    let recent = count("command_outcomes WHERE position % 2 = 0").await;
    assert!(0 < recent && recent < outcomes);
    eventually("the old outcomes are deleted", || async {
        (count("command_outcomes").await == recent).then_some(())
    })
    .await;
    load.resend_all().await;
    load.wait_for_outcomes(u64::try_from(outcomes).unwrap()).await;
    load.wait_until_settled().await;
    assert_eq!(count("events").await, events, "no repeat had an effect");
}
