//! The event store in Postgres keeps its contract.

use auction_postgres::PostgresStoreConnector;
use auction_testkit::local_servers::database;

async fn stores() -> PostgresStoreConnector {
    PostgresStoreConnector::new(&database().await).unwrap()
}

auction_testkit::contract_tests!(event_store, stores().await);
auction_testkit::contract_tests!(snapshots, stores().await);
