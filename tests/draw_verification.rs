//! Promoted bids are drawn and doubled, and the draws can be verified: changed data is detected. Operators
//! change how bids are drawn at run time.

use crate::support::components::RunningComponents;
use crate::support::servers::TestServers;
use crate::support::test_user::{HttpResponse, TestUser};
use crate::support::{database, eventually, output_text};
use auction_domain::Amount;
use auction_domain::auction::AuctionEvent;
use auction_wire::Event;
use serde_json::{Value, json};
use uuid::Uuid;

const OPERATOR: (&str, &str) = ("x-user-role", "operator");
const WAIT: (&str, &str) = ("prefer", "wait=30");

/// Interval of the draws in the configuration file.
const INTERVAL_MS: u64 = 400;

#[tokio::test]
async fn draws_can_be_verified_and_their_options_changed() {
    let servers = TestServers::start().await;
    let config = servers.directory().join("settings.toml");
    std::fs::write(&config, format!("[promoter]\noptions = [{{ interval_ms = {INTERVAL_MS} }}]\n")).unwrap();
    let mut components = RunningComponents::new(&servers, &[("AUCTION_CONFIG", config.to_str().unwrap())]);
    components.add_all(["writer", "projector", "auctioneer", "promoter", "promoter", "ingress"]);
    components.wait_until_ready().await;
    let seller = TestUser::new(&components.url()).await;
    let auctions = promoted_auctions_have_doubled_bids(&servers, &seller, &components.url()).await;
    draw_options_change_without_a_restart(&servers, &seller, &components.url()).await;
    servers.verify();
    components.terminate();
    verification_detects_tampering(&servers, auctions).await;
}

async fn put_settings(operator: &TestUser, options: Value) -> HttpResponse {
    operator.put("/promoter/settings", json!({"options": options}), &[OPERATOR, WAIT]).await
}

/// Runs `portal draws verify` on this database. Returns its exit code and output.
fn draws_verify(database_url: &str, servers: &TestServers, auction: &str) -> (Option<i32>, String) {
    let mut verify = servers.portal(&["draws", "verify", auction]);
    let output = verify.env("DATABASE_URL", database_url).output().unwrap();
    (output.status.code(), output_text(&output))
}

/// Returns the events of an auction, in order.
async fn events_of(servers: &TestServers, auction: &str) -> Vec<AuctionEvent> {
    let auction = Uuid::try_parse(auction).unwrap();
    let rows = servers
        .database()
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

/// Runs two auctions until a bid of each is doubled, and ends them. Asserts that their draws can be verified.
async fn promoted_auctions_have_doubled_bids(
    servers: &TestServers,
    seller: &TestUser,
    url: &str,
) -> [String; 2] {
    let bidder = TestUser::new(url).await;
    let auctions = [seller.create_auction(json!({})).await, seller.create_auction(json!({})).await];
    for auction in &auctions {
        let mut doubled = false;
        for amount in 10_000..12_000 {
            bidder.bid(auction, amount).await;
            let events = events_of(servers, auction).await;
            doubled = events.iter().any(|event| matches!(event, AuctionEvent::BidDoubled { .. }));
            if doubled {
                break;
            }
        }
        assert!(doubled, "no bid was doubled");
        let end = seller.post(&format!("/auction/{auction}/end"), json!({}), &[WAIT]).await;
        end.assert_status(200);
        let view = eventually("the seed is revealed", || async {
            let view = seller.get(&format!("/auction/{auction}"), &[]).await.body;
            view["promotion"]["seed"].is_string().then_some(view)
        })
        .await;
        assert_eq!(view["promotion"]["every_ms"], json!(INTERVAL_MS));
        let (code, printed) = draws_verify(servers.database_url(), servers, auction);
        assert_eq!(code, Some(0), "{printed}");
    }
    let plain = seller.create_auction(json!({"promoted": false})).await;
    let (code, printed) = draws_verify(servers.database_url(), servers, &plain);
    assert!(code != Some(0) && printed.contains("has no draws"), "{printed}");
    auctions
}

/// Changes a bid that a draw depends on.
async fn verification_detects_tampering(servers: &TestServers, [changed, other]: [String; 2]) {
    let copy = tampered_copy(servers, &changed).await;
    let (code, printed) = draws_verify(&copy, servers, &changed);
    assert_eq!(code, Some(1), "{printed}");
    assert!(printed.contains("do NOT match the commitment"), "{printed}");
    let (code, printed) = draws_verify(&copy, servers, &other);
    assert_eq!(code, Some(0), "other auctions still verify: {printed}");
}

/// Copies the database and changes the first bid of an auction, as a database superuser can. Returns the
/// address of the copy.
async fn tampered_copy(servers: &TestServers, auction: &str) -> String {
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

async fn draw_options_change_without_a_restart(servers: &TestServers, seller: &TestUser, url: &str) {
    let operator = TestUser::anonymous(url);

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
    for (auction, every_ms) in [(before, INTERVAL_MS), (after.clone(), 300)] {
        let interval = eventually("the auction is readable", || async {
            let view = seller.get(&format!("/auction/{auction}"), &[]).await;
            view.body["promotion"]["every_ms"].as_u64()
        })
        .await;
        assert_eq!(interval, every_ms);
    }
    // Draws use the new options without a restart.
    eventually("a draw uses the new options", || async {
        let events = events_of(servers, &after).await;
        let mut draws = events.iter().filter_map(|event| match event {
            AuctionEvent::DrawHeld(draw) => Some(draw),
            _ => None,
        });
        draws.any(|draw| draw.settings_version == 1).then_some(())
    })
    .await;
    let audited = "SELECT count(*) FROM events WHERE kind = 'promoter_settings_changed'";
    let row = servers.database().await.query_one(audited, &[]).await.unwrap();
    assert_eq!(row.get::<_, i64>(0), 1);
}
