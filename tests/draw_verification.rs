//! Bids are drawn by lot and doubled by promoters that are killed again and again: never two in one interval,
//! and afterwards everybody can see that it was as promised; or was not, if anything was changed.

use crate::support::components::Roles;
use crate::support::test_user::TestUser;
use crate::support::{database, eventually, long, portal, text};
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

/// A portal with two promoters, a draw every so many milliseconds, and everything else once.
fn start(servers: &LocalServers, config: &std::path::Path, every_ms: u32) -> Roles {
    let settings = format!("[promoter]\nlease_seconds = 1\noptions = [{{ every_ms = {every_ms} }}]\n");
    std::fs::write(config, settings).unwrap();
    let mut roles = Roles::none(servers, &[("AUCTION_CONFIG", config.to_str().unwrap())]);
    for role in ["writer", "projector", "auctioneer", "promoter", "promoter", "ingress"] {
        roles.add(role);
    }
    roles
}

async fn put_settings(operator: &TestUser, options: Value) -> crate::support::test_user::Answer {
    operator.put("/promoter/settings", json!({"options": options}), &[OPERATOR, WAIT]).await
}

fn draws_verify(database_url: &str, servers: &LocalServers, auction: &str) -> Output {
    let mut verify = portal();
    verify.args(["draws", "verify", auction]);
    verify.env("REDIS_URL", servers.redis_url()).env("DATABASE_URL", database_url).output().unwrap()
}

/// An RFC 3339 time so many seconds from now, by the clock of this machine, which is that of its Redis.
fn in_seconds(seconds: u64) -> String {
    let at = std::time::SystemTime::now() + Duration::from_secs(seconds);
    let ms = at.duration_since(std::time::UNIX_EPOCH).unwrap().as_millis();
    let time = auction_wire::time::JsonTime(auction_domain::Timestamp(i64::try_from(ms).unwrap()));
    serde_json::to_value(time).unwrap().as_str().unwrap().to_owned()
}

/// Between two kills of promoters: long enough that one of them gets to draw now and then.
const BETWEEN_KILLS: Duration = Duration::from_millis(400);

/// People bid now and then until that time; meanwhile one promoter after the other is killed.
async fn bid_and_kill(roles: &mut Roles, people: &[TestUser], auctions: &[String], until: Instant) -> u32 {
    let seed = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(20_261_124);
    println!("SEED={seed}");
    let mut random = Random::new(seed);
    let (mut amount, mut kills, mut killed) = (10_000, 0, Instant::now());
    while Instant::now() < until {
        for _ in 0..8 {
            amount += 1 + random.below(50);
            let auction: &String = random.pick(auctions);
            random.pick(people).bid(auction, amount).await;
        }
        if killed.elapsed() > BETWEEN_KILLS && random.chance(400) {
            killed = Instant::now();
            let victim = *random.pick(&roles.pids("promoter"));
            roles.end(victim, "-9");
            roles.add("promoter");
            kills += 1;
        }
    }
    kills
}

/// The events of an auction, in order.
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

/// One doubling at most in each interval, and something on record of each.
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
                assert_eq!(twice, None, "two doublings in interval {recorded}");
            }
            _ => {}
        }
    }
    (recorded, doubled_by.len())
}

#[tokio::test]
async fn draws_survive_kills_and_can_be_checked_and_tampering_shows() {
    let dir = tempfile::tempdir().unwrap();
    let servers = LocalServers::start(LocalServerOptions::new(dir.path().join("data"))).await.unwrap();
    let mut roles = start(&servers, &dir.path().join("settings.toml"), 400);
    roles.ready().await;
    let mut people = Vec::new();
    for _ in 0..6 {
        people.push(TestUser::new(&roles.url()).await);
    }
    let lasts = if long() { 120 } else { 12 };
    let (ends_at, until) = (in_seconds(lasts), Instant::now() + Duration::from_secs(lasts));
    let seller = TestUser::new(&roles.url()).await;
    let mut auctions = Vec::new();
    for _ in 0..3 {
        auctions.push(seller.offer(json!({"ends_at": ends_at})).await);
    }
    let plain = seller.offer(json!({"ends_at": ends_at, "promoted": false})).await;
    let kills = bid_and_kill(&mut roles, &people, &auctions, until).await;

    // Of those in which a bid was drawn: that draw looked at the first bid.
    let mut drawn = None;
    for auction in &auctions {
        let view = eventually("the seed is revealed", || async {
            let view = seller.get(&format!("/auction/{auction}"), &[]).await.body;
            view["promotion"]["seed"].is_string().then_some(view)
        })
        .await;
        assert_eq!(view["promotion"]["every_ms"], 400);
        let verified = draws_verify(servers.database_url(), &servers, auction);
        assert!(verified.status.success(), "{}", text(&verified));
        let (recorded, doublings) = check_intervals(&events_of(servers.database_url(), auction).await);
        assert_eq!(view["promotion"]["draws"], json!(recorded));
        println!("{auction}: {recorded} draws on record, {doublings} doublings, {kills} kills");
        drawn = drawn.or((doublings > 0).then_some(auction));
    }
    let drawn = drawn.expect("somebody is drawn");
    let another = auctions.iter().find(|auction| *auction != drawn).unwrap();
    let verified = draws_verify(servers.database_url(), &servers, &plain);
    assert!(!verified.status.success() && text(&verified).contains("has no draws"), "{}", text(&verified));
    roles.verify(&servers);
    assert!(roles.terminate().iter().all(|code| *code == Some(0)));

    let copy = tampered_copy(&servers, drawn).await;
    let verified = draws_verify(&copy, &servers, drawn);
    assert_eq!(verified.status.code(), Some(1));
    assert!(text(&verified).contains("NOT held as promised"), "{}", text(&verified));
    let verified = draws_verify(&copy, &servers, another);
    assert!(verified.status.success(), "the others are as they were: {}", text(&verified));
    servers.stop().await.unwrap();
}

/// A copy of the database in which the first bid on an auction is another one, by somebody who can do
/// everything to it.
async fn tampered_copy(servers: &LocalServers, auction: &str) -> String {
    let url = servers.database_url().replacen(":///auction?", ":///tampered?", 1);
    let maintenance = servers.database_url().replacen(":///auction?", ":///postgres?", 1);
    eventually("nobody is connected any more", || async {
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
async fn an_operator_sets_how_bids_are_drawn_while_it_runs() {
    let dir = tempfile::tempdir().unwrap();
    let servers = LocalServers::start(LocalServerOptions::new(dir.path().join("data"))).await.unwrap();
    let roles = start(&servers, &dir.path().join("settings.toml"), 60_000);
    roles.ready().await;
    let operator = TestUser::nobody(&roles.url());
    let somebody = TestUser::new(&roles.url()).await;

    somebody
        .put("/promoter/settings", json!({"options": []}), &[WAIT])
        .await
        .is_problem(403, "operators_only");
    somebody.get("/promoter/settings", &[]).await.is_problem(403, "operators_only");
    let refused = put_settings(&operator, json!([{"every_ms": 0}])).await;
    refused.is_problem(422, "options_make_no_sense");
    assert!(refused.text("detail").contains("100 ms"), "{refused:?}");
    put_settings(&operator, json!([{"every_ms": 60000}, {"only_in_last_ms": 1000}]))
        .await
        .is_problem(422, "options_make_no_sense");
    put_settings(&operator, json!(["sometimes"])).await.is_problem(400, "invalid_request");

    let before = somebody.offer(json!({})).await;
    put_settings(&operator, json!([{"every_ms": 300}, "never_the_leader"])).await.is(200);
    let set = eventually("the settings are known", || async {
        let set = operator.get("/promoter/settings", &[OPERATOR]).await;
        (set.is(200).body["version"] == 1).then_some(set)
    })
    .await;
    assert_eq!(set.body["options"], json!([{"every_ms": 300}, "never_the_leader"]));
    assert_eq!(set.body["history"].as_array().unwrap().len(), 1);

    // An auction keeps the interval that it was created with.
    let after = somebody.offer(json!({})).await;
    for (auction, every_ms) in [(before, 60_000), (after.clone(), 300)] {
        let every = eventually("it is shown", || async {
            let view = somebody.get(&format!("/auction/{auction}"), &[]).await;
            view.body["promotion"]["every_ms"].as_u64()
        })
        .await;
        assert_eq!(every, every_ms);
    }
    // Without a restart draws are held by what was set.
    eventually("a draw by the new settings", || async {
        let events = events_of(servers.database_url(), &after).await;
        let by_them = |event: &AuctionEvent| matches!(event, AuctionEvent::DrawHeld(draw) if draw.settings_version == 1);
        events.iter().any(by_them).then_some(())
    })
    .await;
    let audited = "SELECT count(*) FROM events WHERE kind = 'promoter_settings_changed'";
    let row = database(servers.database_url()).await.query_one(audited, &[]).await.unwrap();
    assert_eq!(row.get::<_, i64>(0), 1);
    roles.verify(&servers);
    assert!(roles.terminate().iter().all(|code| *code == Some(0)));
    servers.stop().await.unwrap();
}
