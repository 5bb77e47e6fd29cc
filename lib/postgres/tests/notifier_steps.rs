//! The steps of the notifier touch rows of one partition each: those of the events, and those of the users.

use auction_app::ports::notifications::notification_store::{
    Notification, NotificationBatch, NotificationCommit, NotificationStore, NotificationStoreConnector,
};
use auction_app::ports::notifications::placement::{PlacementBatch, PlacementResult, PlacementStore};
use auction_domain::UserId;
use auction_domain::user::{NotificationKind, NotificationPreferences};
use auction_postgres::PostgresStoreConnector;
use auction_postgres::notifications::{PostgresNotificationConnector, PostgresNotificationStore};
use auction_postgres::placement::PostgresPlacements;
use auction_postgres::queries::PostgresQueries;
use auction_testkit::contract::notification_store::place_all;
use auction_testkit::fixtures::{P, fresh, fresh_in};
use auction_testkit::local_servers::{PARTITIONS, connect, database};
use auction_wire::{PartitionCount, PartitionId};
use std::collections::BTreeSet;
use std::num::NonZeroU16;
use std::time::Duration;
use tokio_postgres::Client;

/// Tables that either step writes.
const NOTIFIER_TABLES: [&str; 5] =
    ["notifier_checkpoints", "subscriptions", "outgoing_notifications", "inbox_placements", "inboxes"];

/// Stores notifications for users of both partitions, changes preferences and deletes a user, all in the partition
/// of the events.
fn notifier_batch(partition: PartitionId, from: u64) -> NotificationBatch {
    let changed = UserId(fresh_in(partition));
    let users = [0, 1].map(|number| UserId(fresh_in(PartitionId(number))));
    let notifications = users.map(|user| Notification {
        id: fresh(),
        user,
        kind: NotificationKind::AuctionWon,
        content: b"{}".to_vec().into(),
    });
    NotificationBatch {
        partition,
        from,
        to: from + 1,
        preferences: vec![(changed, NotificationPreferences::NONE)],
        deleted: vec![UserId(fresh_in(partition))],
        notifications: notifications.to_vec(),
    }
}

struct Tables {
    sql: Client,
    stores: PostgresStoreConnector,
}

impl Tables {
    async fn new() -> Tables {
        let url = database().await;
        Tables { sql: connect(&url).await, stores: PostgresStoreConnector::new(&url).unwrap() }
    }

    fn notifications(&self) -> (PostgresNotificationConnector, PostgresPlacements) {
        let partitions = PartitionCount::new(PARTITIONS).unwrap();
        let queries = PostgresQueries::new(&self.stores, 1).unwrap();
        let placements = PostgresPlacements::new(queries, partitions, NonZeroU16::MAX, &[]);
        (PostgresNotificationConnector::new(&self.stores, partitions), placements)
    }

    /// Commits a batch of each of two partitions, and places their notifications to the users of partition 1. Those to
    /// partition 0 stay outgoing.
    async fn placed_to_partition_1(&self) -> (PostgresNotificationStore, PostgresPlacements) {
        let (stores, placements) = self.notifications();
        let mut store = stores.open().await.unwrap();
        for partition in [0, 1].map(PartitionId) {
            assert_eq!(store.checkpoint(partition).await.unwrap(), 0);
            store.commit(&notifier_batch(partition, 0)).await.unwrap();
        }
        place_all(&placements, PartitionId(1)).await;
        (store, placements)
    }

    /// Locks all rows of these tables that are not of this partition, until the connection ends.
    async fn lock_other_partitions(&self, tables: &[&str], partition: i16) {
        self.sql.batch_execute("BEGIN").await.unwrap();
        for table in tables {
            let locked = format!("SELECT FROM {table} WHERE partition <> {partition} FOR UPDATE");
            let rows = self.sql.query(&locked, &[]).await.unwrap();
            assert!(!rows.is_empty(), "{table} has rows of the other partition");
        }
    }
}

/// All rows of another partition are locked meanwhile.
#[tokio::test]
async fn notifier_commit_touches_rows_of_one_partition() {
    let tables = Tables::new().await;
    let (mut store, _) = tables.placed_to_partition_1().await;
    tables.lock_other_partitions(&NOTIFIER_TABLES, 0).await;
    let batch = notifier_batch(P, 1);
    let commit = tokio::time::timeout(Duration::from_secs(20), store.commit(&batch));
    let users = BTreeSet::from([0, 1].map(PartitionId));
    assert_eq!(commit.await.expect("no lock is waited for").unwrap(), NotificationCommit::Done(users));
}

/// All rows of another partition are locked meanwhile.
#[tokio::test]
async fn placement_touches_rows_of_one_partition() {
    let tables = Tables::new().await;
    let (_, placements) = tables.placed_to_partition_1().await;
    let progress = placements.progress(P).await.unwrap();
    let outgoing = placements.outgoing(P, &progress, 10).await.unwrap();
    let placed = outgoing.iter().map(|group| (group.partition, group.number)).collect();
    let notifications = outgoing.into_iter().flat_map(|group| group.notifications).collect();
    let batch = PlacementBatch { users: P, version: progress.version, placed, notifications };
    tables.lock_other_partitions(&NOTIFIER_TABLES, 0).await;
    let place = tokio::time::timeout(Duration::from_secs(20), placements.place(&batch));
    let PlacementResult::Done(wanted) = place.await.expect("no lock is waited for").unwrap() else {
        panic!("the progress moved")
    };
    assert_eq!(wanted.len(), 2);
}
