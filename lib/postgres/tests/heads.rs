//! How far the store in Postgres is keeps its contract.

#![allow(missing_docs, clippy::unwrap_used)]

use auction_postgres::PostgresStores;
use auction_postgres::lookup::PostgresLookup;
use auction_testkit::contract::heads::Adapter;
use auction_testkit::servers::database;

async fn adapter() -> Adapter<PostgresStores, PostgresLookup> {
    let stores = PostgresStores::new(&database().await).unwrap();
    let heads = PostgresLookup::new(&stores, 1).unwrap();
    Adapter { stores, heads }
}

auction_testkit::contract_tests!(heads, adapter().await);
