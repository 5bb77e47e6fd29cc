//! The outbox in Postgres keeps its contract.

use auction_app::ports::events::retention::DeliveryRetention;
use auction_app::ports::notifications::outbox::{
    AttemptRecord, AttemptResult, ClaimRequest, DeliveryChannel, Destination, Outbox,
};
use auction_domain::UserId;
use auction_domain::user::NotificationKind;
use auction_postgres::PostgresStoreConnector;
use auction_postgres::notifications::PostgresNotificationConnector;
use auction_postgres::queries::PostgresQueries;
use auction_testkit::contract::outbox::{self, OutboxHarness};
use auction_testkit::fixtures::fresh;
use auction_testkit::local_servers::{connect, database};
use std::num::NonZeroU16;
use std::time::Duration;

struct Postgres {
    stores: PostgresNotificationConnector,
    lookup: PostgresQueries,
    url: String,
}

impl OutboxHarness for Postgres {
    type Stores = PostgresNotificationConnector;
    type Outbox = PostgresQueries;

    fn stores(&self) -> &PostgresNotificationConnector {
        &self.stores
    }

    fn outbox(&self) -> &PostgresQueries {
        &self.lookup
    }

    async fn somebody(&self) -> UserId {
        let user = fresh();
        let insert = "INSERT INTO users (id, created_at) VALUES ($1, 0)";
        connect(&self.url).await.execute(insert, &[&user]).await.unwrap();
        UserId(user)
    }

    async fn delete(&self, user: UserId) {
        let delete = "UPDATE users SET deleted_at = 1 WHERE id = $1";
        connect(&self.url).await.execute(delete, &[&user.0]).await.unwrap();
    }
}

async fn house() -> Postgres {
    let url = database().await;
    let stores = PostgresStoreConnector::new(&url).unwrap();
    let lookup = PostgresQueries::new(&stores, 4).unwrap();
    Postgres {
        stores: PostgresNotificationConnector::new(
            &stores,
            NonZeroU16::new(9).unwrap(),
            &[NotificationKind::AuctionWon],
        ),
        lookup,
        url,
    }
}

auction_testkit::contract_tests!(outbox, house().await);

#[tokio::test]
async fn what_is_finished_goes_at_its_age_and_what_is_pending_stays() {
    let house = house().await;
    let (ada, lookup) = (house.somebody().await, &house.lookup);
    outbox::webhook(&house, ada).await;
    outbox::tell(&house, ada, 3).await;
    let parcels = outbox::claim(&house).await;
    for (parcel, verdict) in parcels.iter().zip([AttemptResult::Delivered, AttemptResult::Failed]) {
        let settled =
            AttemptRecord { seq: parcel.seq, claim: parcel.claim, verdict, status: None, error: None };
        lookup.record(&[settled]).await.unwrap();
    }
    assert_eq!(lookup.delete_deliveries(Duration::from_secs(60)).await.unwrap(), 0, "they are young");
    let older = "UPDATE deliveries SET created_at = created_at - 99000, finished_at = finished_at - 99000";
    connect(&house.url).await.execute(older, &[]).await.unwrap();
    assert_eq!(lookup.delete_deliveries(Duration::from_secs(60)).await.unwrap(), 2);
    assert_eq!(lookup.delete_deliveries(Duration::from_secs(60)).await.unwrap(), 0);
}

#[tokio::test]
async fn a_letter_goes_to_the_address_that_its_user_has_then() {
    let house = house().await;
    let client = connect(&house.url).await;
    let (ada, bob) = (house.somebody().await, house.somebody().await);
    let open = "INSERT INTO accounts (user_id, email, name, password_hash, role, state, command_id, created_at) \
                VALUES ($1, $2, '', '', 'bidder', 'active', $1, 0)";
    client.execute(open, &[&ada.0, &"ada@a.example"]).await.unwrap();
    let ids = outbox::tell(&house, ada, 2).await;
    outbox::tell(&house, bob, 1).await;
    let claim = |per_endpoint| ClaimRequest {
        way: DeliveryChannel::Email,
        busy: Vec::new(),
        limit: 9,
        per_endpoint,
        lease: Duration::from_secs(60),
    };
    assert_eq!(outbox::claim(&house).await, [], "nothing for webhooks");
    let first = house.lookup.claim(&claim(1)).await.unwrap();
    assert_eq!(
        first.iter().map(|parcel| (parcel.id, parcel.endpoint)).collect::<Vec<_>>(),
        [(ids[0], ada.0)]
    );
    assert_eq!(first[0].to, Destination::Email { address: "ada@a.example".to_owned() });
    client.execute("DELETE FROM accounts WHERE user_id = $1", &[&ada.0]).await.unwrap();
    let second = house.lookup.claim(&claim(9)).await.unwrap();
    assert_eq!((second.len(), &second[0].to), (1, &Destination::Unreachable("no_address")));
}
