//! Contract tests of the notification store and inboxes.

use auction_postgres::PostgresStoreConnector;
use auction_postgres::notifications::{PostgresInboxes, PostgresNotificationConnector};
use auction_postgres::placement::PostgresPlacements;
use auction_postgres::queries::PostgresQueries;
use auction_testkit::contract::notification_store::{Adapter, INBOX_SIZE};
use auction_testkit::local_servers::{PARTITIONS, database};
use auction_wire::PartitionCount;
use std::num::NonZeroU16;

async fn adapter() -> Adapter<PostgresNotificationConnector, PostgresPlacements, PostgresInboxes> {
    let connector = PostgresStoreConnector::new(&database().await).unwrap();
    let queries = PostgresQueries::new(&connector, 2).unwrap();
    let partitions = PartitionCount::new(PARTITIONS).unwrap();
    let inbox_size = NonZeroU16::new(INBOX_SIZE).unwrap();
    Adapter {
        stores: PostgresNotificationConnector::new(&connector, partitions),
        placements: PostgresPlacements::new(queries.clone(), partitions, inbox_size, &[]),
        inboxes: PostgresInboxes::new(queries, inbox_size),
    }
}

auction_testkit::contract_tests!(notification_store, adapter().await);
