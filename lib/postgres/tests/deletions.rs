//! What is left of deleted users, in Postgres, keeps its contract.

use auction_postgres::PostgresStores;
use auction_postgres::lookup::PostgresLookup;
use auction_testkit::contract::deletions::Adapter;
use auction_testkit::servers::database;

async fn adapter() -> Adapter<PostgresStores, PostgresLookup> {
    let stores = PostgresStores::new(&database().await).unwrap();
    let deletions = PostgresLookup::new(&stores, 1).unwrap();
    Adapter { stores, deletions }
}

auction_testkit::contract_tests!(deletions, adapter().await);
