//! Contract tests of user deletions.

use auction_postgres::PostgresStoreConnector;
use auction_postgres::queries::PostgresQueries;
use auction_testkit::contract::user_deletions::Adapter;
use auction_testkit::local_servers::database;

async fn adapter() -> Adapter<PostgresStoreConnector, PostgresQueries> {
    let stores = PostgresStoreConnector::new(&database().await).unwrap();
    let deletions = PostgresQueries::new(&stores, 1).unwrap();
    Adapter { stores, deletions }
}

auction_testkit::contract_tests!(user_deletions, adapter().await);
