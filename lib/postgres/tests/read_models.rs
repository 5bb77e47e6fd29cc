//! Contract tests of what an ingress reads from the event store.

use auction_postgres::PostgresStoreConnector;
use auction_postgres::queries::PostgresQueries;
use auction_testkit::contract::{auction_event_reader, heads};
use auction_testkit::local_servers::database;

async fn adapters() -> (PostgresStoreConnector, PostgresQueries) {
    let stores = PostgresStoreConnector::new(&database().await).unwrap();
    let queries = PostgresQueries::new(&stores, 1).unwrap();
    (stores, queries)
}

async fn heads() -> heads::Adapter<PostgresStoreConnector, PostgresQueries> {
    let (stores, heads) = adapters().await;
    heads::Adapter { stores, heads }
}

async fn auction_events() -> auction_event_reader::Adapter<PostgresStoreConnector, PostgresQueries> {
    let (stores, events) = adapters().await;
    auction_event_reader::Adapter { stores, events }
}

auction_testkit::contract_tests!(heads, heads().await);
auction_testkit::contract_tests!(auction_event_reader, auction_events().await);
