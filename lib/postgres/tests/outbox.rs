//! Contract tests of the outbox, retention of deliveries, and e-mail addresses.

use auction_app::ports::events::retention::DeliveryRetention;
use auction_app::ports::notifications::outbox::{
    AttemptRecord, AttemptResult, ClaimRequest, DeliveryChannel, Destination, Outbox,
};
use auction_domain::UserId;
use auction_domain::user::NotificationKind;
use auction_postgres::PostgresStoreConnector;
use auction_postgres::notifications::PostgresNotificationConnector;
use auction_postgres::placement::PostgresPlacements;
use auction_postgres::queries::PostgresQueries;
use auction_testkit::contract::outbox::{self, OutboxHarness};
use auction_testkit::fixtures::fresh;
use auction_testkit::local_servers::{PARTITIONS, connect, database};
use auction_wire::PartitionCount;
use std::num::NonZeroU16;
use std::time::Duration;

struct Postgres {
    stores: PostgresNotificationConnector,
    placements: PostgresPlacements,
    queries: PostgresQueries,
    url: String,
}

impl OutboxHarness for Postgres {
    type Stores = PostgresNotificationConnector;
    type Placements = PostgresPlacements;
    type Outbox = PostgresQueries;

    fn stores(&self) -> &PostgresNotificationConnector {
        &self.stores
    }

    fn placements(&self) -> &PostgresPlacements {
        &self.placements
    }

    fn outbox(&self) -> &PostgresQueries {
        &self.queries
    }

    async fn create_user(&self) -> UserId {
        let user = fresh();
        let insert = "INSERT INTO users (partition, id, created_at) VALUES (partition_of($1), $1, 0)";
        connect(&self.url).await.execute(insert, &[&user]).await.unwrap();
        UserId(user)
    }

    async fn delete(&self, user: UserId) {
        let delete = "UPDATE users SET deleted_at = 1 WHERE id = $1";
        connect(&self.url).await.execute(delete, &[&user.0]).await.unwrap();
    }
}

async fn harness() -> Postgres {
    let url = database().await;
    let stores = PostgresStoreConnector::new(&url).unwrap();
    let queries = PostgresQueries::new(&stores, 4).unwrap();
    let partitions = PartitionCount::new(PARTITIONS).unwrap();
    Postgres {
        stores: PostgresNotificationConnector::new(&stores, partitions),
        placements: PostgresPlacements::new(
            queries.clone(),
            partitions,
            NonZeroU16::new(9).unwrap(),
            &[NotificationKind::AuctionWon],
        ),
        queries,
        url,
    }
}

auction_testkit::contract_tests!(outbox, harness().await);

#[tokio::test]
async fn retention_deletes_old_finished_deliveries_only() {
    let harness = harness().await;
    let (ada, queries) = (harness.create_user().await, &harness.queries);
    outbox::webhook(&harness, ada).await;
    outbox::notify_user(&harness, ada, 3).await;
    let messages = outbox::claim(&harness).await;
    for (message, verdict) in messages.iter().zip([AttemptResult::Delivered, AttemptResult::Failed]) {
        let settled = AttemptRecord {
            delivery: message.delivery,
            claim: message.claim,
            result: verdict,
            status: None,
            error: None,
        };
        queries.record(&[settled]).await.unwrap();
    }
    assert_eq!(
        queries.delete_deliveries(Duration::from_secs(60)).await.unwrap(),
        0,
        "they are not old enough"
    );
    let older = "UPDATE deliveries SET created_at = created_at - 99000, finished_at = finished_at - 99000";
    connect(&harness.url).await.execute(older, &[]).await.unwrap();
    assert_eq!(queries.delete_deliveries(Duration::from_secs(60)).await.unwrap(), 2);
    assert_eq!(queries.delete_deliveries(Duration::from_secs(60)).await.unwrap(), 0);
}

#[tokio::test]
async fn email_goes_to_the_current_address_of_the_user() {
    let harness = harness().await;
    let client = connect(&harness.url).await;
    let (ada, bob) = (harness.create_user().await, harness.create_user().await);
    let open = "INSERT INTO accounts (user_id, email, name, password_hash, role, state, command_id, created_at) \
                VALUES ($1, $2, '', '', 'bidder', 'active', $1, 0)";
    client.execute(open, &[&ada.0, &"ada@a.example"]).await.unwrap();
    let ids = outbox::notify_user(&harness, ada, 2).await;
    outbox::notify_user(&harness, bob, 1).await;
    let claim = |per_endpoint| ClaimRequest {
        channel: DeliveryChannel::Email,
        busy: Vec::new(),
        limit: 9,
        per_endpoint,
        lease: Duration::from_secs(60),
    };
    assert_eq!(outbox::claim(&harness).await, [], "nothing for webhooks");
    let first = harness.queries.claim(&claim(1)).await.unwrap();
    assert_eq!(
        first.iter().map(|message| (message.id, message.endpoint)).collect::<Vec<_>>(),
        [(ids[0], ada.0)]
    );
    assert_eq!(first[0].destination, Destination::Email { address: "ada@a.example".to_owned() });
    client.execute("DELETE FROM accounts WHERE user_id = $1", &[&ada.0]).await.unwrap();
    let second = harness.queries.claim(&claim(9)).await.unwrap();
    assert_eq!((second.len(), &second[0].destination), (1, &Destination::Unreachable("no_address")));
}
