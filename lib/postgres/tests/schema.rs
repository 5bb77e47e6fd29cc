//! Inline projections, and what the database itself prevents.

use auction_app::ports::events::event_store::{AppendBatch, AppendResult, EventStore, EventStoreConnector};
use auction_domain::auction::{AuctionEvent, UnsoldReason};
use auction_domain::{Amount, BidId, Reason, UserId};
use auction_postgres::PostgresStoreConnector;
use auction_testkit::fixtures::{
    AT, END, P, auction_created, batch, bid_placed, fresh, fresh_in, user_created, user_deleted, users_barred,
};
use auction_testkit::local_servers::{connect, database};
use auction_wire::{Event, Outcome, PartitionCount, PartitionId};
use std::time::Duration;
use tokio_postgres::Client;
use uuid::Uuid;

struct Tables {
    sql: Client,
    stores: PostgresStoreConnector,
}

impl Tables {
    async fn new() -> Tables {
        let url = database().await;
        Tables { sql: connect(&url).await, stores: PostgresStoreConnector::new(&url).unwrap() }
    }

    async fn append(&self, batch: &AppendBatch) {
        let mut store = self.stores.open().await.unwrap();
        assert_eq!(store.append(batch).await.unwrap(), AppendResult::Committed);
    }

    async fn user(&self, id: Uuid) -> (i64, Option<i64>) {
        let row = self.sql.query_one("SELECT created_at, deleted_at FROM users WHERE id = $1", &[&id]).await;
        row.map(|row| (row.get(0), row.get(1))).unwrap()
    }

    async fn auction(&self, id: Uuid) -> (Option<Uuid>, String, i64) {
        let query = "SELECT seller, status, ends_at FROM auctions WHERE id = $1";
        let row = self.sql.query_one(query, &[&id]).await.unwrap();
        (row.get(0), row.get(1), row.get(2))
    }

    async fn bid(&self, id: BidId) -> (i64, bool, String) {
        let query = "SELECT amount, doubled, state FROM bids WHERE id = $1";
        let row = self.sql.query_one(query, &[&id.0]).await.unwrap();
        (row.get(0), row.get(1), row.get(2))
    }
}

fn auction_event(event: AuctionEvent) -> Event {
    Event::Auction(event)
}

/// Appends the same events in one batch, and one by one, so that rows are also updated later.
async fn both_ways(events: Vec<(Uuid, u64, Event)>) -> [Tables; 2] {
    let (at_once, one_by_one) = (Tables::new().await, Tables::new().await);
    at_once.append(&batch(0, events.clone())).await;
    for (head, event) in (0..).zip(events) {
        one_by_one.append(&batch(head, vec![event])).await;
    }
    [at_once, one_by_one]
}

#[tokio::test]
async fn user_rows_are_the_same_for_one_batch_or_many() {
    let (ada, bob) = (fresh(), fresh());
    let events = vec![(ada, 1, user_created()), (bob, 1, user_created()), (ada, 2, user_deleted())];
    for tables in both_ways(events).await {
        assert_eq!(tables.user(ada).await, (AT.0, Some(AT.0)));
        assert_eq!(tables.user(bob).await, (AT.0, None));
        let mut store = tables.stores.open().await.unwrap();
        let deletions = tables.sql.query_one("SELECT count(*) FROM deletions", &[]).await.unwrap();
        assert_eq!(deletions.get::<_, i64>(0), 1);
        assert_eq!(store.active_users(P, &[UserId(ada), UserId(bob)]).await.unwrap(), [UserId(bob)]);
    }
}

#[tokio::test]
async fn auction_rows_are_the_same_for_one_batch_or_many() {
    let ([sold, cancelled, extended], seller) = (std::array::from_fn(|_| fresh()), UserId(fresh()));
    let ends_at = AT;
    let events = vec![
        (sold, 1, auction_created(Some(seller))),
        (cancelled, 1, auction_created(None)),
        (extended, 1, auction_created(None)),
        (sold, 2, auction_event(AuctionEvent::AuctionEnded { ends_at, by: None })),
        (sold, 3, auction_event(AuctionEvent::AuctionClosedUnsold { reason: UnsoldReason::NoBids })),
        (cancelled, 2, auction_event(AuctionEvent::AuctionCancelled { by: None })),
        (extended, 2, auction_event(AuctionEvent::AuctionExtended { ends_at: END })),
        (extended, 3, auction_event(AuctionEvent::AuctionExtended { ends_at })),
    ];
    for tables in both_ways(events).await {
        assert_eq!(tables.auction(sold).await, (Some(seller.0), "closed".to_owned(), AT.0));
        assert_eq!(tables.auction(cancelled).await, (None, "cancelled".to_owned(), END.0));
        assert_eq!(tables.auction(extended).await, (None, "open".to_owned(), AT.0));
    }
}

#[tokio::test]
async fn bid_rows_are_the_same_for_one_batch_or_many() {
    let (auction, bidder) = (fresh(), UserId(fresh()));
    let [live, deleted, doubled, voided, retracted]: [BidId; 5] = std::array::from_fn(|_| BidId(fresh()));
    let effective = Amount::new(600).unwrap();
    let reason = Reason::new("mistyped").unwrap();
    let changes = [
        auction_created(None),
        bid_placed(live, bidder, 100),
        bid_placed(deleted, bidder, 200),
        bid_placed(doubled, bidder, 300),
        bid_placed(voided, bidder, 400),
        bid_placed(retracted, bidder, 500),
        auction_event(AuctionEvent::BidDoubled { bid: doubled, bidder, effective }),
        auction_event(AuctionEvent::BidDeleted { bid: deleted, bidder }),
        auction_event(AuctionEvent::BidVoided { bid: voided, bidder, reason, by: None }),
        auction_event(AuctionEvent::BidsRetracted { bidder, bids: vec![retracted, doubled] }),
    ];
    let events = (1..).zip(changes).map(|(version, event)| (auction, version, event)).collect();
    for tables in both_ways(events).await {
        assert_eq!(tables.bid(live).await, (100, false, "live".to_owned()));
        assert_eq!(tables.bid(deleted).await, (200, false, "deleted".to_owned()));
        assert_eq!(tables.bid(doubled).await, (300, true, "retracted".to_owned()));
        assert_eq!(tables.bid(voided).await, (400, false, "voided".to_owned()));
        assert_eq!(tables.bid(retracted).await, (500, false, "retracted".to_owned()));
    }
}

#[tokio::test]
async fn failed_append_leaves_no_rows() {
    let tables = Tables::new().await;
    let (user, auction, bid) = (fresh(), fresh(), BidId(fresh()));
    let events = vec![
        (user, 1, user_created()),
        (auction, 1, auction_created(None)),
        (auction, 2, bid_placed(bid, UserId(user), 100)),
        (user, 2, user_deleted()),
    ];
    let mut store = tables.stores.open().await.unwrap();
    assert_eq!(store.append(&batch(1, events)).await.unwrap(), AppendResult::HeadConflict);
    for table in ["events", "command_outcomes", "users", "auctions", "bids", "deletions"] {
        let row = tables.sql.query_one(&format!("SELECT count(*) FROM {table}"), &[]).await.unwrap();
        assert_eq!(row.get::<_, i64>(0), 0, "{table}");
    }
}

#[tokio::test]
async fn events_are_never_changed_or_removed() {
    let tables = Tables::new().await;
    tables.append(&batch(0, vec![(fresh(), 1, user_created())])).await;
    for role in ["origin", "replica"] {
        tables.sql.batch_execute(&format!("SET session_replication_role = {role}")).await.unwrap();
        for change in [
            "UPDATE events SET kind = 'x'",
            "DELETE FROM events",
            "TRUNCATE events",
            "TRUNCATE events CASCADE",
        ] {
            let refused = tables.sql.batch_execute(change).await.unwrap_err();
            let message = refused.as_db_error().unwrap().message().to_owned();
            assert!(message.starts_with("events are never changed or removed"), "{change}: {message}");
        }
    }
    let mut store = tables.stores.open().await.unwrap();
    assert_eq!(store.events_after(P, 0, 10).await.unwrap().len(), 1);
}

/// Tables of the portal as a whole. All others are partitioned.
const NOT_PARTITIONED: [&str; 7] = [
    "accounts",
    "api_keys",
    "migration_compatibility",
    "partitions",
    "refinery_schema_history",
    "secrets",
    "sessions",
];

#[tokio::test]
async fn keys_of_partitioned_tables_begin_with_the_partition() {
    let tables = Tables::new().await;
    let keys = "SELECT c.relname::text, i.indexrelid::regclass::text, a.attname::text
        FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
            JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
        WHERE c.relnamespace = 'public'::regnamespace AND i.indisunique";
    let keys = tables.sql.query(keys, &[]).await.unwrap();
    let keys: Vec<(String, String, String)> =
        keys.iter().map(|row| (row.get(0), row.get(1), row.get(2))).collect();
    let partitioned = keys.iter().filter(|(table, ..)| !NOT_PARTITIONED.contains(&table.as_str()));
    let wrong: Vec<_> = partitioned.clone().filter(|(.., first)| first != "partition").collect();
    assert!(wrong.is_empty(), "{wrong:?}");
    assert!(partitioned.count() >= 12, "{keys:?}");
}

/// Queries over all partitions: by time, or for operators.
const OVER_ALL_PARTITIONS: [&str; 3] = ["all_parked_events", "delete_outcomes", "unfinished_deletions"];

/// Returns the tables and aliases without a partition in a statement: an alias with a column `partition`, or a
/// table without an alias in a statement with that column, names it.
fn unnamed_partitions(statement: &str, partitioned: &[String]) -> Vec<String> {
    let text: String =
        statement.lines().filter(|line| !line.trim_start().starts_with("--")).collect::<Vec<_>>().join(" ");
    let words: Vec<&str> = text
        .split(|c: char| c.is_whitespace() || "(),;".contains(c))
        .filter(|word| !word.is_empty())
        .collect();
    let mut unnamed = Vec::new();
    for (at, table) in words.iter().enumerate().skip(1) {
        let is_read = ["FROM", "JOIN", "UPDATE"].contains(&words[at - 1]);
        if !is_read || !partitioned.iter().any(|name| name == table) {
            continue;
        }
        let alias = words.get(at + 1).filter(|word| word.chars().all(|c| c.is_ascii_lowercase()));
        let column = alias.map_or_else(|| "partition".to_owned(), |alias| format!("{alias}.partition"));
        let is_named = words.iter().any(|word| *word == column || *word == format!("{table}.partition"));
        if !is_named {
            unnamed.push((*table).to_owned());
        }
    }
    unnamed
}

#[tokio::test]
async fn queries_name_the_partition_of_each_partitioned_table() {
    let tables = Tables::new().await;
    let query = "SELECT c.relname::text FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
        WHERE c.relkind = 'r' AND a.attname = 'partition' AND c.relnamespace = 'public'::regnamespace";
    let rows = tables.sql.query(query, &[]).await.unwrap();
    let partitioned: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    let directory = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../sql/queries");
    let (mut wrong, mut read) = (Vec::new(), 0);
    for file in std::fs::read_dir(directory).unwrap() {
        let path = file.unwrap().path();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        read += 1;
        if !OVER_ALL_PARTITIONS.contains(&name.as_str()) {
            let statement = std::fs::read_to_string(&path).unwrap();
            wrong.extend(
                unnamed_partitions(&statement, &partitioned).into_iter().map(|table| (name.clone(), table)),
            );
        }
    }
    assert!(wrong.is_empty(), "{wrong:?}");
    assert!(read > 40, "{read}");
    let without = "SELECT u.id FROM accounts a JOIN users u ON u.id = a.user_id";
    assert_eq!(unnamed_partitions(without, &partitioned), ["users"]);
}

#[tokio::test]
async fn partition_in_sql_equals_the_partition_of_the_program() {
    let tables = Tables::new().await;
    for count in [1, 4, 7, 100] {
        tables.sql.execute("SELECT define_partition_of($1)", &[&i32::from(count)]).await.unwrap();
        let count = PartitionCount::new(count).unwrap();
        for id in [Uuid::nil(), Uuid::max(), fresh()].into_iter().chain((0..50).map(|_| Uuid::new_v4())) {
            let row = tables.sql.query_one("SELECT partition_of($1)", &[&id]).await.unwrap();
            assert_eq!(row.get::<_, i16>(0), count.of(id).0.cast_signed(), "{id} of {count:?}");
        }
    }
}

/// All rows of another partition are locked meanwhile.
#[tokio::test]
async fn append_touches_rows_of_one_partition() {
    let tables = Tables::new().await;
    let events = |partition: u16| {
        let new = || fresh_in(PartitionId(partition));
        let (user, auction, bid) = (new(), new(), BidId(new()));
        vec![
            (user, 1, user_created()),
            (auction, 1, auction_created(Some(UserId(user)))),
            (auction, 2, bid_placed(bid, UserId(user), 100)),
            (user, 2, user_deleted()),
            (new(), 1, users_barred(&[UserId(user)])),
            (
                auction,
                3,
                auction_event(AuctionEvent::BidsRetracted { bidder: UserId(user), bids: vec![bid] }),
            ),
            (auction, 4, auction_event(AuctionEvent::AuctionCancelled { by: None })),
        ]
    };
    let [other, here] = [1, 0].map(|number| {
        let append = batch(0, events(number));
        let partition = PartitionId(number);
        let outcomes = append.outcomes.iter().cloned().map(|outcome| Outcome { partition, ..outcome });
        AppendBatch { partition, outcomes: outcomes.collect(), ..append }
    });
    tables.append(&other).await;
    tables.sql.batch_execute("BEGIN").await.unwrap();
    for table in
        ["partitions", "events", "command_outcomes", "users", "auctions", "bids", "deletions", "barred_users"]
    {
        let column = if table == "partitions" { "id" } else { "partition" };
        let locked = format!("SELECT FROM {table} WHERE {column} <> 0 FOR UPDATE");
        assert!(
            !tables.sql.query(&locked, &[]).await.unwrap().is_empty(),
            "{table} has rows of the other partition"
        );
    }
    tokio::time::timeout(Duration::from_secs(20), tables.append(&here)).await.expect("no lock is waited for");
}
