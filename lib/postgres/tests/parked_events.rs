//! Contract tests of parked events.

use auction_postgres::PostgresStoreConnector;
use auction_postgres::queries::PostgresQueries;
use auction_testkit::local_servers::database;

async fn queries() -> PostgresQueries {
    PostgresQueries::new(&PostgresStoreConnector::new(&database().await).unwrap(), 1).unwrap()
}

auction_testkit::contract_tests!(parked_events, queries().await);
