//! Notifications in Postgres keep their contract.

use auction_postgres::PostgresStoreConnector;
use auction_postgres::notifications::{PostgresInboxes, PostgresNotificationConnector};
use auction_postgres::queries::PostgresQueries;
use auction_testkit::contract::notification_store::{Adapter, KEEPS};
use auction_testkit::local_servers::database;
use std::num::NonZeroU16;

async fn adapter() -> Adapter<PostgresNotificationConnector, PostgresInboxes> {
    let stores = PostgresStoreConnector::new(&database().await).unwrap();
    let (lookup, keeps) = (PostgresQueries::new(&stores, 2).unwrap(), NonZeroU16::new(KEEPS).unwrap());
    Adapter {
        stores: PostgresNotificationConnector::new(&stores, keeps, &[]),
        inboxes: PostgresInboxes::new(lookup, keeps),
    }
}

auction_testkit::contract_tests!(notification_store, adapter().await);
