//! Contract tests of the notification store and inboxes.

use auction_postgres::PostgresStoreConnector;
use auction_postgres::notifications::{PostgresInboxes, PostgresNotificationConnector};
use auction_postgres::queries::PostgresQueries;
use auction_testkit::contract::notification_store::{Adapter, INBOX_SIZE};
use auction_testkit::local_servers::database;
use std::num::NonZeroU16;

async fn adapter() -> Adapter<PostgresNotificationConnector, PostgresInboxes> {
    let connector = PostgresStoreConnector::new(&database().await).unwrap();
    let queries = PostgresQueries::new(&connector, 2).unwrap();
    let inbox_size = NonZeroU16::new(INBOX_SIZE).unwrap();
    Adapter {
        stores: PostgresNotificationConnector::new(&connector, inbox_size, &[]),
        inboxes: PostgresInboxes::new(queries, inbox_size),
    }
}

auction_testkit::contract_tests!(notification_store, adapter().await);
