//! Migrations: upgrades of an existing database, a server that stops during a migration, and paused
//! processes.

use auction_app::ports::commands::outcomes::OutcomeReader;
use auction_app::ports::events::event_store::{AppendResult, EventStore, EventStoreConnector};
use auction_app::ports::notifications::inbox::InboxStore;
use auction_app::ports::notifications::notification_store::{
    Notification, NotificationBatch, NotificationCommit, NotificationStore, NotificationStoreConnector,
};
use auction_app::ports::notifications::outbox::{ClaimRequest, DeliveryChannel, Destination, Outbox};
use auction_app::ports::notifications::webhooks::WebhookStore;
use auction_app::ports::operator::parked_events::{
    OperatorAction, ParkReason, ParkedAggregate, ParkedEvents,
};
use auction_app::ports::people::accounts::Accounts;
use auction_app::ports::people::tokens::TokenStore;
use auction_app::ports::people::user_deletions::{PendingDeletion, UserDeletions};
use auction_app::ports::people::{PrincipalKind, Role, TokenHash};
use auction_domain::user::NotificationKind;
use auction_domain::{AuctionId, Timestamp, UserId};
use auction_postgres::PostgresStoreConnector;
use auction_postgres::migrate::{MigrateError, migrate};
use auction_postgres::notifications::{PostgresInboxes, PostgresNotificationConnector};
use auction_postgres::placement::PostgresPlacements;
use auction_postgres::queries::PostgresQueries;
use auction_testkit::contract::notification_store::place_all;
use auction_testkit::fixtures::{
    AT, END, P, batch, fresh, promoted_auction_created, record, refusal, user_created,
};
use auction_testkit::local_servers::{PARTITIONS, connect, database, eventually};
use auction_wire::{CommandId, EventRecord, Outcome, PartitionCount};
use refinery::Target;
use std::num::NonZeroU16;
use std::time::{Duration, Instant};
use uuid::Uuid;

mod embedded {
    refinery::embed_migrations!("../../sql/migrations");
}

/// Creates a database without tables. Returns its URL.
async fn empty_database() -> String {
    let url = database().await;
    let client = connect(&url).await;
    let row = client.query_one("SELECT current_database()::text", &[]).await.unwrap();
    let name: &str = row.get(0);
    client.batch_execute(&format!("CREATE DATABASE {name}_empty")).await.unwrap();
    url.replacen(&format!("/{name}?"), &format!("/{name}_empty?"), 1)
}

// All in partition 0.
const USER: UserId = UserId(Uuid::from_u128(100));
const AUCTION: Uuid = Uuid::from_u128(200);
const COMMAND: CommandId = CommandId(Uuid::from_u128(300));
const WEBHOOK: Uuid = Uuid::from_u128(400);
const NOTIFICATION: Uuid = Uuid::from_u128(500);
const API_KEY: TokenHash = TokenHash([7; 32]);

/// Returns the statements that insert rows under the names of migration 12.
fn rows_of_v12(event: &EventRecord, outcome: &Outcome) -> String {
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    format!(
        include_str!("rows_of_v12.sql"),
        partitions = PARTITIONS,
        auction = AUCTION,
        command = COMMAND,
        user = USER,
        webhook = WEBHOOK,
        notification = NOTIFICATION,
        at = AT.0,
        end = END.0,
        event = hex(&event.body),
        outcome = hex(&outcome.result.encode()),
        api_key = hex(&API_KEY.0),
    )
}

#[tokio::test]
async fn database_of_v12_is_upgraded_and_readable() {
    let url = empty_database().await;
    let event = record(1, AUCTION, 1, &promoted_auction_created(), CommandId(AUCTION));
    let outcome =
        Outcome { kind: "place_bid".to_owned(), key: AUCTION, fingerprint: 7, ..refusal(COMMAND, 1) };
    let mut client = connect(&url).await;
    embedded::migrations::runner().set_target(Target::Version(12)).run_async(&mut client).await.unwrap();
    client.batch_execute(&rows_of_v12(&event, &outcome)).await.unwrap();
    migrate(&url, PartitionCount::new(PARTITIONS).unwrap()).await.unwrap();

    let connector = PostgresStoreConnector::new(&url).unwrap();
    let mut store = connector.open().await.unwrap();
    assert_eq!(store.events_after(P, 0, 10).await.unwrap(), [event]);
    let unrevealed = store.unrevealed_auctions(P).await.unwrap();
    assert_eq!((unrevealed.position, unrevealed.auctions), (1, vec![AuctionId(AUCTION)]));
    assert_eq!(store.open_auctions(P).await.unwrap().auctions.len(), 2);
    let mut repeated = batch(1, vec![(fresh(), 1, user_created())]);
    repeated.outcomes = vec![outcome.clone()];
    assert_eq!(store.append(&repeated).await.unwrap(), AppendResult::DuplicateCommand);
    repeated.outcomes = vec![refusal(CommandId(fresh()), 2)];
    assert_eq!(store.append(&repeated).await.unwrap(), AppendResult::Committed);

    let queries = PostgresQueries::new(&connector, 1).unwrap();
    assert_eq!(queries.outcome(COMMAND, Some(P)).await.unwrap(), Some(outcome));
    assert_parked(&queries).await;
    let deletion = PendingDeletion { user: USER, attempt: 2, retry_at: Timestamp(77) };
    assert_eq!(queries.unfinished(10).await.unwrap(), [deletion]);
    assert_eq!(queries.profile(USER).await.unwrap().unwrap().email, "ada@example.org");
    let row = client.query_one("SELECT duplicate_sign_ups FROM accounts", &[]).await.unwrap();
    assert_eq!(row.get::<_, i32>(0), 3);
    let changed = "SELECT changed_kinds FROM subscriptions ORDER BY user_id = $1 DESC";
    let changed = client.query(changed, &[&USER.0]).await.unwrap();
    let changed: Vec<Vec<String>> = changed.iter().map(|row| row.get(0)).collect();
    assert_eq!(changed, [vec!["auction_won".to_owned(), "bid_doubled".to_owned()], Vec::new()]);
    let found = queries.find(&[API_KEY], AT).await.unwrap();
    assert_eq!(found[0].1.role, Role::Operator);
    assert!(
        matches!(found[0].1.principal, PrincipalKind::Service { per_second: Some(limit) } if limit.get() == 5)
    );
    assert_deliveries(&queries).await;
    assert_inbox_continues(&connector).await;
}

/// The notifier continues at its checkpoint, and the inbox with its next number.
async fn assert_inbox_continues(connector: &PostgresStoreConnector) {
    let (partitions, inbox_size) = (PartitionCount::new(PARTITIONS).unwrap(), NonZeroU16::new(3).unwrap());
    let mut store = PostgresNotificationConnector::new(connector, partitions).open().await.unwrap();
    assert_eq!(store.checkpoint(P).await.unwrap(), 1);
    let notification = Notification {
        id: fresh(),
        user: USER,
        kind: NotificationKind::HighestBid,
        content: b"{\"a\":2}".to_vec().into(),
    };
    let batch = NotificationBatch {
        partition: P,
        from: 1,
        to: 2,
        preferences: Vec::new(),
        deleted: Vec::new(),
        notifications: vec![notification.clone()],
    };
    assert!(matches!(store.commit(&batch).await.unwrap(), NotificationCommit::Done(_)));
    let queries = PostgresQueries::new(connector, 1).unwrap();
    let placements = PostgresPlacements::new(queries.clone(), partitions, inbox_size, &[]);
    place_all(&placements, P).await;
    let inbox = PostgresInboxes::new(queries, inbox_size).inbox(USER).await.unwrap();
    assert_eq!((inbox.last, inbox.entries.last()), (2, Some(&(2, notification.json()))));
}

async fn assert_parked(queries: &PostgresQueries) {
    let parked = queries.all().await.unwrap();
    let expected = [
        (ParkReason::Panicked, Some(OperatorAction::Retry)),
        (ParkReason::Refused, Some(OperatorAction::Drop)),
        (ParkReason::Unreadable, None),
    ];
    assert_eq!(
        parked.iter().map(|one| (one.event.reason, one.requested_action)).collect::<Vec<_>>(),
        expected
    );
    for ParkedAggregate { component, event, parked_at, .. } in &parked {
        assert_eq!((component.as_str(), event.key, *parked_at), (event.reason.name(), AUCTION, AT));
        assert_eq!((event.kind.as_str(), event.error.as_str()), ("auction_created", "an error"));
    }
    assert!(queries.request("panicked", AUCTION, 1, OperatorAction::Drop).await.unwrap());
}

async fn assert_deliveries(queries: &PostgresQueries) {
    let inbox = PostgresInboxes::new(queries.clone(), NonZeroU16::new(3).unwrap()).inbox(USER).await.unwrap();
    let json = format!("{{\"id\":\"{NOTIFICATION}\",\"a\":1}}").into_bytes();
    assert_eq!((inbox.last, inbox.entries), (1, vec![(1, json)]));
    let deliveries = queries.deliveries(USER, WEBHOOK, 10, 10).await.unwrap().unwrap();
    assert_eq!((deliveries[0].due_at, &deliveries[0].content[..]), (Timestamp(5), &b"{\"a\":1}"[..]));
    for (channel, endpoint) in [(DeliveryChannel::Webhook, WEBHOOK), (DeliveryChannel::Email, USER.0)] {
        let lease = Duration::from_secs(60);
        let claim = ClaimRequest { channel, busy: Vec::new(), limit: 9, per_endpoint: 9, lease };
        let claimed = queries.claim(&claim).await.unwrap();
        assert_eq!(claimed.len(), 1, "{channel:?}");
        let message = &claimed[0];
        assert_eq!((message.endpoint, message.id), (endpoint, NOTIFICATION));
        assert_eq!(message.content, b"{\"a\":1}");
        assert!(!matches!(message.destination, Destination::Unreachable(_)), "{message:?}");
    }
}

#[tokio::test]
async fn server_loss_during_migration_is_unavailable_not_failure() {
    let url = database().await;
    let sql = connect(&url).await;
    // The migration has to wait for this table.
    sql.batch_execute("BEGIN; LOCK TABLE refinery_schema_history").await.unwrap();
    let partitions = PartitionCount::new(PARTITIONS).unwrap();
    let migrating = {
        let url = url.clone();
        tokio::spawn(async move { migrate(&url, partitions).await })
    };
    let admin = connect(&url).await;
    let terminate = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                     WHERE datname = current_database() AND wait_event_type = 'Lock'";
    let started = Instant::now();
    while admin.query(terminate, &[]).await.unwrap().is_empty() {
        assert!(started.elapsed() < Duration::from_secs(30), "the migration did not wait for the table");
        tokio::time::sleep(Duration::from_millis(5)).await; // between two polls, with a deadline
    }
    let ended = migrating.await.unwrap();
    assert!(matches!(ended, Err(MigrateError::Unavailable(_))), "{ended:?}");
    sql.batch_execute("ROLLBACK").await.unwrap();
    migrate(&url, partitions).await.unwrap();
}

#[tokio::test]
async fn paused_migration_does_not_block_other_processes() {
    let url = database().await;
    let sql = connect(&url).await;
    sql.batch_execute("BEGIN; LOCK TABLE refinery_schema_history").await.unwrap();
    let partitions = PartitionCount::new(PARTITIONS).unwrap();
    // This migration takes the migration lock, and then is not polled any more.
    let mut paused = Box::pin(migrate(&url, partitions));
    let admin = connect(&url).await;
    let waiting =
        "SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    let reached = async {
        while admin.query(waiting, &[]).await.unwrap().is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await; // between two polls, with a deadline
        }
    };
    tokio::select! {
        ended = &mut paused => panic!("the migration did not wait for the table: {ended:?}"),
        reached = tokio::time::timeout(Duration::from_secs(30), reached) => reached.unwrap(),
    }
    sql.batch_execute("ROLLBACK").await.unwrap();
    tokio::time::timeout(Duration::from_secs(60), migrate(&url, partitions)).await.unwrap().unwrap();
    let ended = paused.await;
    assert!(matches!(ended, Err(MigrateError::Unavailable(_))), "the caller must try again: {ended:?}");
}

/// Rows as of migration 15: bids of 1,000 users in 500 auctions, with their outcomes and notifications.
const ROWS_OF_V15: &str = "
    INSERT INTO partitions (id, head) SELECT id, 25000 FROM generate_series(0, 3) AS id;
    CREATE TEMP TABLE numbered AS SELECT n, (n % 4)::smallint AS partition, n / 4 + 1 AS position,
        md5('auction' || n % 500)::uuid AS auction, md5('user' || n % 1000)::uuid AS bidder, md5('bid' || n)::uuid AS bid
        FROM generate_series(0, 99999) AS n;
    INSERT INTO events (partition, position, aggregate, version, kind, schema, at, command_id, body)
        SELECT partition, position, auction, n / 500 + 1, 'bid_placed', 1, 0, bid, repeat('x', 120)::bytea FROM numbered;
    INSERT INTO command_outcomes (command_id, kind, key, fingerprint, partition, position, at, outcome)
        SELECT bid, 'place_bid', auction, 0, partition, position, 0, repeat('x', 80)::bytea FROM numbered;
    INSERT INTO users (id, created_at) SELECT DISTINCT bidder, 0 FROM numbered;
    INSERT INTO auctions (id, partition, status, ends_at) SELECT DISTINCT ON (auction) auction, partition, 'open', 0 FROM numbered;
    INSERT INTO bids (id, auction, bidder, amount, doubled, state) SELECT bid, auction, bidder, n, false, 'live' FROM numbered;
    INSERT INTO inboxes (user_id, last) SELECT DISTINCT bidder, 100 FROM numbered;
    INSERT INTO notifications (user_id, seq, id, content) SELECT bidder, n / 1000 + 1, bid, repeat('x', 90)::bytea FROM numbered;";

/// The upgrade is interrupted now and then: the server ends its session. It continues with the migration that was
/// interrupted.
#[tokio::test]
async fn interrupted_upgrade_of_100_000_events_continues() {
    let url = empty_database().await;
    let mut client = connect(&url).await;
    embedded::migrations::runner().set_target(Target::Version(15)).run_async(&mut client).await.unwrap();
    client.batch_execute(ROWS_OF_V15).await.unwrap();
    let partitions = PartitionCount::new(PARTITIONS).unwrap();
    let applied = async || {
        let row = client.query_one("SELECT max(version) FROM refinery_schema_history", &[]).await.unwrap();
        row.get::<_, i32>(0)
    };
    let (began, mut interruptions) = (Instant::now(), 0);
    for target in [16, 17, 18] {
        let upgrade = tokio::spawn({
            let url = url.clone();
            async move { migrate(&url, partitions).await }
        });
        eventually("the migration is applied", || async { applied().await >= target }).await;
        let others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
            WHERE datname = current_database() AND pid <> pg_backend_pid()";
        client.query(others, &[]).await.unwrap();
        // It may have been done before.
        interruptions += u32::from(upgrade.await.unwrap().is_err());
    }
    migrate(&url, partitions).await.unwrap();
    eprintln!("upgraded 100,000 events in {:?}, {interruptions} interruptions", began.elapsed());
    assert!(interruptions > 0);
    for table in ["users", "bids", "inboxes", "notifications"] {
        let key = match table {
            "users" => "id",
            "bids" => "auction",
            _ => "user_id",
        };
        let wrong = format!("SELECT count(*) FROM {table} WHERE partition <> partition_of({key})");
        assert_eq!(client.query_one(&wrong, &[]).await.unwrap().get::<_, i64>(0), 0, "{table}");
    }
    let row = client.query_one("SELECT count(*) FROM notifications", &[]).await.unwrap();
    assert_eq!(row.get::<_, i64>(0), 100_000);
}
