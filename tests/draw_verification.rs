//! Promoters draw and double bids while they are killed repeatedly. No interval has two doublings, and
//! afterwards the draws can be verified; changed data is detected.

use crate::support::components::RunningComponents;
use crate::support::test_user::{HttpResponse, TestUser};
use crate::support::{database, eventually, is_long_run, output_text, portal};
use auction_domain::Amount;
use auction_domain::auction::AuctionEvent;
use auction_local_servers::{LocalServerOptions, LocalServers};
use auction_testkit::random::Random;
use auction_wire::Event;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::process::Output;
use std::time::{Duration, Instant};
use uuid::Uuid;

const OPERATOR: (&str, &str) = ("x-user-role", "operator");
const WAIT: (&str, &str) = ("prefer", "wait=30");

/// Starts two promoters with this draw interval, and one process of each other component.
fn start(servers: &LocalServers, config: &std::path::Path, interval_ms: u32) -> RunningComponents {
    let settings = format!("[promoter]\nlease_seconds = 1\noptions = [{{ interval_ms = {interval_ms} }}]\n");
    std::fs::write(config, settings).unwrap();
    let mut components = RunningComponents::new(servers, &[("AUCTION_CONFIG", config.to_str().unwrap())]);
    components.add_all(["writer", "projector", "auctioneer", "promoter", "promoter", "ingress"]);
    components
}

async fn put_settings(operator: &TestUser, options: Value) -> HttpResponse {
    operator.put("/promoter/settings", json!({"options": options}), &[OPERATOR, WAIT]).await
}

fn draws_verify(database_url: &str, servers: &LocalServers, auction: &str) -> Output {
    let mut verify = portal();
    verify.args(["draws", "verify", auction]);
    verify.env("REDIS_URL", servers.redis_url()).env("DATABASE_URL", database_url).output().unwrap()
}

/// Returns the RFC 3339 time in `seconds` seconds. The clock of this machine is also that of its Redis.
fn in_seconds(seconds: u64) -> String {
    let at = std::time::SystemTime::now() + Duration::from_secs(seconds);
    let ms = at.duration_since(std::time::UNIX_EPOCH).unwrap().as_millis();
    let time = auction_wire::time::JsonTime(auction_domain::Timestamp(i64::try_from(ms).unwrap()));
    serde_json::to_value(time).unwrap().as_str().unwrap().to_owned()
}

/// Minimum time between two kills of promoters; long enough for some draws to happen.
const BETWEEN_KILLS: Duration = Duration::from_millis(400);

/// Places bids until this time and meanwhile kills random promoters. Returns the number of kills.
async fn bid_and_kill(
    components: &mut RunningComponents,
    users: &[TestUser],
    auctions: &[String],
    until: Instant,
) -> u32 {
    let seed = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(20_261_124);
    println!("SEED={seed}");
    let mut random = Random::new(seed);
    let (mut amount, mut kills, mut killed) = (10_000, 0, Instant::now());
    while Instant::now() < until {
        for _ in 0..8 {
            amount += 1 + random.below(50);
            let auction: &String = random.pick(auctions);
            random.pick(users).bid(auction, amount).await;
        }
        if killed.elapsed() > BETWEEN_KILLS && random.chance(400) {
            killed = Instant::now();
            let pid = *random.pick(&components.pids("promoter"));
            components.stop_process(pid, "-9");
            components.add("promoter");
            kills += 1;
        }
    }
    kills
}

/// Returns the events of an auction, in order.
async fn events_of(database_url: &str, auction: &str) -> Vec<AuctionEvent> {
    let auction = Uuid::try_parse(auction).unwrap();
    let rows = database(database_url)
        .await
        .query("SELECT kind, schema, body FROM events WHERE aggregate = $1 ORDER BY version", &[&auction])
        .await
        .unwrap();
    let event = |row: &tokio_postgres::Row| {
        let schema: i16 = row.get(1);
        match Event::decode(row.get(0), schema.cast_unsigned(), row.get(2)).unwrap() {
            Event::Auction(event) => event,
            other => panic!("{other:?}"),
        }
    };
    rows.iter().map(event).collect()
}

/// Asserts that every interval is recorded and has at most one doubling. Returns the number of intervals and
/// doublings.
fn check_intervals(events: &[AuctionEvent]) -> (u64, usize) {
    let (mut recorded, mut doubled_by) = (0, HashMap::new());
    for event in events {
        match event {
            AuctionEvent::DrawHeld(draw) => {
                assert_eq!(draw.number, recorded + 1);
                recorded = draw.number;
            }
            AuctionEvent::DrawsMissed { first, last } => {
                assert_eq!(*first, recorded + 1);
                recorded = *last;
            }
            AuctionEvent::BidDoubled { bid, .. } => {
                let twice = doubled_by.insert(recorded, *bid);
                assert_eq!(twice, None, "interval {recorded} has two doublings");
            }
            _ => {}
        }
    }
    (recorded, doubled_by.len())
}

#[tokio::test]
async fn draws_survive_kills_and_verification_detects_tampering() {
    let dir = tempfile::tempdir().unwrap();
    let servers = LocalServers::start(LocalServerOptions::new(dir.path().join("data"))).await.unwrap();
    let mut components = start(&servers, &dir.path().join("settings.toml"), 400);
    components.wait_until_ready().await;
    let mut users = Vec::new();
    for _ in 0..6 {
        users.push(TestUser::new(&components.url()).await);
    }
    let seconds = if is_long_run() { 120 } else { 12 };
    let (ends_at, until) = (in_seconds(seconds), Instant::now() + Duration::from_secs(seconds));
    let seller = TestUser::new(&components.url()).await;
    let mut auctions = Vec::new();
    for _ in 0..3 {
        auctions.push(seller.create_auction(json!({"ends_at": ends_at})).await);
    }
    let plain = seller.create_auction(json!({"ends_at": ends_at, "promoted": false})).await;
    let kills = bid_and_kill(&mut components, &users, &auctions, until).await;

    // An auction with a doubled bid: its draw depends on the first bid.
    let mut drawn = None;
    for auction in &auctions {
        let view = eventually("the seed is revealed", || async {
            let view = seller.get(&format!("/auction/{auction}"), &[]).await.body;
            view["promotion"]["seed"].is_string().then_some(view)
        })
        .await;
        assert_eq!(view["promotion"]["every_ms"], 400);
        let verified = draws_verify(servers.database_url(), &servers, auction);
        assert!(verified.status.success(), "{}", output_text(&verified));
        let (recorded, doublings) = check_intervals(&events_of(servers.database_url(), auction).await);
        assert_eq!(view["promotion"]["draws"], json!(recorded));
        println!("{auction}: {recorded} draws on record, {doublings} doublings, {kills} kills");
        drawn = drawn.or((doublings > 0).then_some(auction));
    }
    let drawn = drawn.expect("a bid is doubled");
    let another = auctions.iter().find(|auction| *auction != drawn).unwrap();
    let verified = draws_verify(servers.database_url(), &servers, &plain);
    assert!(
        !verified.status.success() && output_text(&verified).contains("has no draws"),
        "{}",
        output_text(&verified)
    );
    components.verify(&servers);
    assert!(components.terminate().iter().all(|code| *code == Some(0)));

    let copy = tampered_copy(&servers, drawn).await;
    let verified = draws_verify(&copy, &servers, drawn);
    assert_eq!(verified.status.code(), Some(1));
    assert!(output_text(&verified).contains("do NOT match the commitment"), "{}", output_text(&verified));
    let verified = draws_verify(&copy, &servers, another);
    assert!(verified.status.success(), "other auctions still verify: {}", output_text(&verified));
    servers.stop().await.unwrap();
}

/// Copies the database and changes the first bid of an auction, as a database superuser can. Returns the
/// address of the copy.
async fn tampered_copy(servers: &LocalServers, auction: &str) -> String {
    let url = servers.database_url().replacen(":///auction?", ":///tampered?", 1);
    let maintenance = servers.database_url().replacen(":///auction?", ":///postgres?", 1);
    eventually("no connection is left, so the database can be copied", || async {
        let copy = "CREATE DATABASE tampered TEMPLATE auction";
        database(&maintenance).await.batch_execute(copy).await.ok()
    })
    .await;
    let auction = Uuid::try_parse(auction).unwrap();
    let database = database(&url).await;
    database.batch_execute("ALTER TABLE events DISABLE TRIGGER USER").await.unwrap();
    let find = "SELECT version, schema, body FROM events WHERE aggregate = $1 AND kind = 'bid_placed' \
                ORDER BY version LIMIT 1";
    let row = database.query_one(find, &[&auction]).await.unwrap();
    let (version, schema): (i64, i16) = (row.get(0), row.get(1));
    let event = Event::decode("bid_placed", schema.cast_unsigned(), row.get(2)).unwrap();
    let Event::Auction(AuctionEvent::BidPlaced { bid, bidder, amount }) = event else { panic!("{event:?}") };
    let amount = Amount::new(amount.minor_units() + 1).unwrap();
    let changed = Event::Auction(AuctionEvent::BidPlaced { bid, bidder, amount }).encode();
    let update = "UPDATE events SET body = $3 WHERE aggregate = $1 AND version = $2";
    assert_eq!(database.execute(update, &[&auction, &version, &changed]).await.unwrap(), 1);
    url
}

#[tokio::test]
async fn draw_options_change_without_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let servers = LocalServers::start(LocalServerOptions::new(dir.path().join("data"))).await.unwrap();
    let components = start(&servers, &dir.path().join("settings.toml"), 60_000);
    components.wait_until_ready().await;
    let operator = TestUser::anonymous(&components.url());
    let seller = TestUser::new(&components.url()).await;

    seller
        .put("/promoter/settings", json!({"options": []}), &[WAIT])
        .await
        .assert_problem(403, "operator_role_required");
    seller.get("/promoter/settings", &[]).await.assert_problem(403, "operator_role_required");
    let refused = put_settings(&operator, json!([{"interval_ms": 0}])).await;
    refused.assert_problem(422, "invalid_draw_options");
    assert!(refused.text("detail").contains("100 ms"), "{refused:?}");
    put_settings(&operator, json!([{"interval_ms": 60000}, {"only_in_last_ms": 1000}]))
        .await
        .assert_problem(422, "invalid_draw_options");
    put_settings(&operator, json!(["sometimes"])).await.assert_problem(400, "invalid_request");

    let before = seller.create_auction(json!({})).await;
    put_settings(&operator, json!([{"interval_ms": 300}, "exclude_leader"])).await.assert_status(200);
    let set = eventually("the settings are readable", || async {
        let set = operator.get("/promoter/settings", &[OPERATOR]).await;
        (set.assert_status(200).body["version"] == 1).then_some(set)
    })
    .await;
    assert_eq!(set.body["options"], json!([{"interval_ms": 300}, "exclude_leader"]));
    assert_eq!(set.body["history"].as_array().unwrap().len(), 1);

    // An auction keeps the interval that it was created with.
    let after = seller.create_auction(json!({})).await;
    for (auction, every_ms) in [(before, 60_000), (after.clone(), 300)] {
        let interval = eventually("the auction is readable", || async {
            let view = seller.get(&format!("/auction/{auction}"), &[]).await;
            view.body["promotion"]["every_ms"].as_u64()
        })
        .await;
        assert_eq!(interval, every_ms);
    }
    // Draws use the new options without a restart.
    eventually("a draw uses the new options", || async {
        let events = events_of(servers.database_url(), &after).await;
        let mut draws = events.iter().filter_map(|event| match event {
            AuctionEvent::DrawHeld(draw) => Some(draw),
            _ => None,
        });
        draws.any(|draw| draw.settings_version == 1).then_some(())
    })
    .await;
    let audited = "SELECT count(*) FROM events WHERE kind = 'promoter_settings_changed'";
    let row = database(servers.database_url()).await.query_one(audited, &[]).await.unwrap();
    assert_eq!(row.get::<_, i64>(0), 1);
    components.verify(&servers);
    assert!(components.terminate().iter().all(|code| *code == Some(0)));
    servers.stop().await.unwrap();
}
