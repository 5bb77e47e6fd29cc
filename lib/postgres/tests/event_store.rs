//! Contract tests of the event store.

use auction_postgres::PostgresStoreConnector;
use auction_testkit::local_servers::database;

async fn connector() -> PostgresStoreConnector {
    PostgresStoreConnector::new(&database().await).unwrap()
}

auction_testkit::contract_tests!(event_store, connector().await);
auction_testkit::contract_tests!(snapshots, connector().await);
