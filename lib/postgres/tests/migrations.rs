//! Migrations: upgrades of an existing database, a server that stops during a migration, and paused
//! processes.

use auction_app::ports::commands::outcomes::OutcomeReader;
use auction_app::ports::events::event_store::{AppendResult, EventStore, EventStoreConnector};
use auction_app::ports::notifications::inbox::InboxStore;
use auction_app::ports::notifications::outbox::{ClaimRequest, DeliveryChannel, Destination, Outbox};
use auction_app::ports::notifications::webhooks::WebhookStore;
use auction_app::ports::operator::parked_events::{
    OperatorAction, ParkReason, ParkedAggregate, ParkedEvent, ParkedEvents,
};
use auction_app::ports::people::accounts::Accounts;
use auction_app::ports::people::tokens::TokenStore;
use auction_app::ports::people::user_deletions::{PendingDeletion, UserDeletions};
use auction_app::ports::people::{PrincipalKind, Role, TokenHash};
use auction_domain::{AuctionId, Timestamp, UserId};
use auction_postgres::PostgresStoreConnector;
use auction_postgres::migrate::{MigrateError, migrate};
use auction_postgres::notifications::PostgresInboxes;
use auction_postgres::queries::PostgresQueries;
use auction_testkit::fixtures::{
    AT, END, P, batch, fresh, promoted_auction_created, record, refusal, user_created,
};
use auction_testkit::local_servers::{PARTITIONS, connect, database};
use auction_wire::{CommandId, EventRecord, Outcome, PartitionCount};
use refinery::Target;
use std::num::NonZeroU16;
use std::time::{Duration, Instant};
use tokio_postgres::Client;
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

/// Rows that [`RowsOfV12::insert`] stores under the names of migration 12.
struct RowsOfV12 {
    event: EventRecord,
    outcome: Outcome,
    user: UserId,
    webhook: Uuid,
    notification: Uuid,
    parked: [ParkedAggregate; 3],
    api_key: TokenHash,
}

impl RowsOfV12 {
    fn new() -> RowsOfV12 {
        let reasons = [
            (ParkReason::Unreadable, None),
            (ParkReason::Panicked, Some(OperatorAction::Retry)),
            (ParkReason::Refused, Some(OperatorAction::Drop)),
        ];
        RowsOfV12 {
            event: record(1, fresh(), 1, &promoted_auction_created(), CommandId(fresh())),
            outcome: refusal(CommandId(fresh()), 1),
            user: UserId(fresh()),
            webhook: fresh(),
            notification: fresh(),
            parked: reasons.map(|(reason, requested_action)| ParkedAggregate {
                component: reason.name().to_owned(),
                partition: P,
                event: ParkedEvent {
                    key: fresh(),
                    position: 1,
                    version: 1,
                    kind: "auction_created".to_owned(),
                    reason,
                    error: "an error".to_owned(),
                },
                parked_at: AT,
                requested_action,
            }),
            api_key: TokenHash([7; 32]),
        }
    }

    async fn insert(&self, client: &Client) {
        let partitions = i32::from(PARTITIONS) - 1;
        let insert = "INSERT INTO partitions (id) SELECT generate_series(0, $1::int)";
        client.execute(insert, &[&partitions]).await.unwrap();
        client.execute("UPDATE partitions SET head = 1 WHERE id = 0", &[]).await.unwrap();
        let EventRecord { key, kind, schema, at, cause, body, .. } = &self.event;
        let insert = "INSERT INTO events (partition, position, aggregate, version, kind, schema, at, command_id, body) \
             VALUES (0, 1, $1, 1, $2, $3, $4, $5, $6)";
        client.execute(insert, &[key, kind, &schema.cast_signed(), &at.0, &cause.0, body]).await.unwrap();
        let insert = "INSERT INTO auctions (id, partition, status, ends_at, owes_seed) \
                      VALUES ($1, 0, 'open', $2, true), ($3, 0, 'open', $2, false)";
        client.execute(insert, &[key, &END.0, &fresh()]).await.unwrap();
        let Outcome { command, kind, key, fingerprint, position, at, result, .. } = &self.outcome;
        let insert = "INSERT INTO commands (command_id, kind, key, fingerprint, partition, position, at, outcome) \
                      VALUES ($1, $2, $3, $4, 0, $5, $6, $7)";
        let (fingerprint, position) = (fingerprint.cast_signed(), position.cast_signed());
        let result = result.encode();
        let values: [&(dyn tokio_postgres::types::ToSql + Sync); 7] =
            [&command.0, kind, key, &fingerprint, &position, &at.0, &result];
        client.execute(insert, &values).await.unwrap();
        for ParkedAggregate { component, event, parked_at, requested_action, .. } in &self.parked {
            let insert = "INSERT INTO parked_events \
                 (service, key, partition, position, version, kind, reason, error, parked_at, asked) \
                 VALUES ($1, $2, 0, 1, 1, $3, $4, $5, $6, $7)";
            let (reason, asked) = (event.reason.name(), requested_action.map(OperatorAction::name));
            let values: [&(dyn tokio_postgres::types::ToSql + Sync); 7] =
                [component, &event.key, &event.kind, &reason, &event.error, &parked_at.0, &asked];
            client.execute(insert, &values).await.unwrap();
        }
        self.insert_user(client).await;
    }

    async fn insert_user(&self, client: &Client) {
        let (user, webhook) = (self.user.0, self.webhook);
        let insert = "INSERT INTO deletions (user_id, attempt, again_at) VALUES ($1, 2, 77)";
        client.execute(insert, &[&user]).await.unwrap();
        let insert = "INSERT INTO accounts \
                      (user_id, email, name, password_hash, role, state, command_id, created_at, claims) \
                      VALUES ($1, 'ada@example.org', 'Ada', '', 'bidder', 'active', $1, 1, 3)";
        client.execute(insert, &[&user]).await.unwrap();
        let insert = "INSERT INTO service_keys (key_hash, name, role, per_second, created_at) \
                      VALUES ($1, 'warehouse', 'operator', 5, 1)";
        client.execute(insert, &[&self.api_key.0.as_slice()]).await.unwrap();
        let insert = "INSERT INTO subscriptions VALUES ($1, false, true, false), ($2, true, true, true)";
        client.execute(insert, &[&user, &fresh()]).await.unwrap();
        client.execute("INSERT INTO inboxes (user_id, last) VALUES ($1, 1)", &[&user]).await.unwrap();
        let insert = "INSERT INTO notifications (user_id, seq, id, news) VALUES ($1, 1, $2, '{\"a\":1}')";
        client.execute(insert, &[&user, &self.notification]).await.unwrap();
        let insert =
            "INSERT INTO webhooks (id, user_id, url, created_at) VALUES ($1, $2, 'https://a.example/', 1)";
        client.execute(insert, &[&webhook, &user]).await.unwrap();
        let insert = "INSERT INTO deliveries (way, endpoint, id, news, created_at, next_at) \
                      VALUES ('webhook', $1, $3, '{\"a\":1}', 1, 5), ('email', $2, $3, '{\"a\":1}', 1, 5)";
        client.execute(insert, &[&webhook, &user, &self.notification]).await.unwrap();
    }
}

#[tokio::test]
async fn database_of_v12_is_upgraded_and_readable() {
    let url = empty_database().await;
    let rows = RowsOfV12::new();
    let mut client = connect(&url).await;
    embedded::migrations::runner().set_target(Target::Version(12)).run_async(&mut client).await.unwrap();
    rows.insert(&client).await;
    migrate(&url, PartitionCount::new(PARTITIONS).unwrap()).await.unwrap();

    let connector = PostgresStoreConnector::new(&url).unwrap();
    let mut store = connector.open().await.unwrap();
    assert_eq!(store.events_after(P, 0, 10).await.unwrap(), std::slice::from_ref(&rows.event));
    let unrevealed = store.unrevealed_auctions(P).await.unwrap();
    assert_eq!((unrevealed.position, unrevealed.auctions), (1, vec![AuctionId(rows.event.key)]));
    assert_eq!(store.open_auctions(P).await.unwrap().auctions.len(), 2);
    let mut repeated = batch(1, vec![(fresh(), 1, user_created())]);
    repeated.known_deletions = 1;
    repeated.outcomes = vec![rows.outcome.clone()];
    assert_eq!(store.append(&repeated).await.unwrap(), AppendResult::DuplicateCommand);
    repeated.outcomes = vec![refusal(CommandId(fresh()), 2)];
    assert_eq!(store.append(&repeated).await.unwrap(), AppendResult::Committed);

    let queries = PostgresQueries::new(&connector, 1).unwrap();
    assert_eq!(queries.outcome(rows.outcome.command).await.unwrap(), Some(rows.outcome));
    assert_parked(&queries, rows.parked).await;
    let deletion = PendingDeletion { sequence: 1, user: rows.user, attempt: 2, retry_at: Timestamp(77) };
    assert_eq!(queries.unfinished(10).await.unwrap(), [deletion]);
    assert_eq!(queries.profile(rows.user).await.unwrap().unwrap().email, "ada@example.org");
    let row = client.query_one("SELECT duplicate_sign_ups FROM accounts", &[]).await.unwrap();
    assert_eq!(row.get::<_, i32>(0), 3);
    let changed = "SELECT changed_kinds FROM subscriptions ORDER BY user_id = $1 DESC";
    let changed = client.query(changed, &[&rows.user.0]).await.unwrap();
    let changed: Vec<Vec<String>> = changed.iter().map(|row| row.get(0)).collect();
    assert_eq!(changed, [vec!["auction_won".to_owned(), "bid_doubled".to_owned()], Vec::new()]);
    let found = queries.find(&[rows.api_key], AT).await.unwrap();
    assert_eq!(found[0].1.role, Role::Operator);
    assert!(
        matches!(found[0].1.principal, PrincipalKind::Service { per_second: Some(limit) } if limit.get() == 5)
    );
    assert_deliveries(&queries, rows.user, rows.webhook, rows.notification).await;
}

async fn assert_parked(queries: &PostgresQueries, mut expected: [ParkedAggregate; 3]) {
    expected.sort_by(|a, b| a.component.cmp(&b.component));
    assert_eq!(queries.all().await.unwrap(), expected);
    let ParkedAggregate { component, event, .. } = &expected[0];
    assert!(queries.request(component, event.key, 1, OperatorAction::Drop).await.unwrap());
}

async fn assert_deliveries(queries: &PostgresQueries, user: UserId, webhook: Uuid, notification: Uuid) {
    let inbox = PostgresInboxes::new(queries.clone(), NonZeroU16::new(3).unwrap()).inbox(user).await.unwrap();
    let json = format!("{{\"id\":\"{notification}\",\"a\":1}}").into_bytes();
    assert_eq!((inbox.last, inbox.entries), (1, vec![(1, json)]));
    let deliveries = queries.deliveries(user, webhook, 10, 10).await.unwrap().unwrap();
    assert_eq!((deliveries[0].due_at, &deliveries[0].content[..]), (Timestamp(5), &b"{\"a\":1}"[..]));
    for (channel, endpoint) in [(DeliveryChannel::Webhook, webhook), (DeliveryChannel::Email, user.0)] {
        let lease = Duration::from_secs(60);
        let claim = ClaimRequest { channel, busy: Vec::new(), limit: 9, per_endpoint: 9, lease };
        let claimed = queries.claim(&claim).await.unwrap();
        assert_eq!(claimed.len(), 1, "{channel:?}");
        let message = &claimed[0];
        assert_eq!((message.endpoint, message.id), (endpoint, notification));
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
