//! What is parked in Postgres keeps its contract.

use auction_postgres::PostgresStores;
use auction_postgres::lookup::PostgresLookup;
use auction_testkit::servers::database;

async fn parking() -> PostgresLookup {
    PostgresLookup::new(&PostgresStores::new(&database().await).unwrap(), 1).unwrap()
}

auction_testkit::contract_tests!(parked_events, parking().await);
