//! Notifications in Postgres keep their contract.

use auction_postgres::PostgresStores;
use auction_postgres::lookup::PostgresLookup;
use auction_postgres::notifications::{PostgresInboxes, PostgresNotifications};
use auction_testkit::contract::notification_store::{Adapter, KEEPS};
use auction_testkit::servers::database;
use std::num::NonZeroU16;

async fn adapter() -> Adapter<PostgresNotifications, PostgresInboxes> {
    let stores = PostgresStores::new(&database().await).unwrap();
    let (lookup, keeps) = (PostgresLookup::new(&stores, 2).unwrap(), NonZeroU16::new(KEEPS).unwrap());
    Adapter {
        stores: PostgresNotifications::new(&stores, keeps, &[]),
        inboxes: PostgresInboxes::new(lookup, keeps),
    }
}

auction_testkit::contract_tests!(notification_store, adapter().await);
