//! Notifications: stored by the notifier, read by users.

use crate::PostgresStoreConnector;
use crate::connection::Connection;
use crate::inline_projections::bigint;
use crate::queries::PostgresQueries;
use crate::rows::number;
use async_trait::async_trait;
use auction_app::ports::Unavailable;
use auction_app::ports::notifications::inbox::{InboxPage, InboxStore};
use auction_app::ports::notifications::notification_store::{
    Notification, NotificationBatch, NotificationCommit, NotificationStore, NotificationStoreConnector, json,
};
use auction_app::ports::notifications::placement::outgoing_groups;
use auction_domain::UserId;
use auction_domain::user::{NotificationKind, NotificationPreferences};
use auction_wire::{PartitionCount, PartitionId};
use std::num::NonZeroU16;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

/// Opens connections for the notifier.
#[derive(Clone, Debug)]
pub struct PostgresNotificationConnector {
    connector: PostgresStoreConnector,
    partitions: PartitionCount,
}

impl PostgresNotificationConnector {
    /// Uses the database of `connector`, which has this number of partitions.
    pub fn new(
        connector: &PostgresStoreConnector,
        partitions: PartitionCount,
    ) -> PostgresNotificationConnector {
        PostgresNotificationConnector { connector: connector.clone(), partitions }
    }
}

impl NotificationStoreConnector for PostgresNotificationConnector {
    type Store = PostgresNotificationStore;

    async fn open(&self) -> Result<PostgresNotificationStore, Unavailable> {
        let connection = self.connector.connect().await?;
        Ok(PostgresNotificationStore { connection, partitions: self.partitions })
    }
}

/// A connection of the notifier.
pub struct PostgresNotificationStore {
    connection: Connection,
    partitions: PartitionCount,
}

impl PostgresNotificationStore {
    /// Turns off all notifications of the deleted users before their inboxes are emptied. A placement must not
    /// add to an inbox after that.
    async fn stop_placing(&mut self, batch: &NotificationBatch) -> Result<(), Unavailable> {
        let deleted: Vec<Uuid> = batch.deleted.iter().map(|user| user.0).collect();
        let changed = NotificationPreferences::NONE.changed_kinds().map(NotificationKind::name);
        let params: &[&(dyn ToSql + Sync)] =
            &[&batch.partition.0.cast_signed(), &bigint(batch.from), &deleted, &changed.collect::<Vec<_>>()];
        self.connection.query(sql!("stop_placing"), params).await.map(drop)
    }
}

impl NotificationStore for PostgresNotificationStore {
    async fn checkpoint(&mut self, partition: PartitionId) -> Result<u64, Unavailable> {
        let rows = self.connection.query(sql!("notifier_checkpoint"), &[&(partition.0 as i16)]).await?;
        Ok(rows.first().map_or(0, |row| number(row, 0)))
    }

    async fn commit(&mut self, batch: &NotificationBatch) -> Result<NotificationCommit, Unavailable> {
        if !batch.deleted.is_empty() {
            self.stop_placing(batch).await?;
        }
        let preferences = &batch.preferences;
        let groups = outgoing_groups(&batch.notifications, self.partitions);
        let notifications: Vec<(i64, &Notification)> = (1..)
            .zip(&groups)
            .flat_map(|(nth, (_, group))| group.iter().map(move |notification| (nth, notification)))
            .collect();
        // A group has at least one notification, and all of them have the same kind and content.
        let first =
            |group: &[Notification]| group.first().map(|first| (first.kind.name(), first.content.to_vec()));
        let (kinds_of, contents): (Vec<_>, Vec<_>) =
            groups.iter().filter_map(|(_, group)| first(group)).unzip();
        macro_rules! column {
            ($of:expr, $name:pat => $value:expr) => {
                &$of.iter().map(|$name| $value).collect::<Vec<_>>()
            };
        }
        let params: &[&(dyn ToSql + Sync)] = &[
            &(batch.partition.0 as i16), // at most 100 partitions
            &bigint(batch.from),
            &bigint(batch.to),
            column!(preferences, entry => entry.0.0),
            column!(preferences, entry => kinds(entry.1)),
            column!(batch.deleted, user => user.0),
            column!(groups, (users, _) => users.0.cast_signed()),
            &kinds_of,
            &contents,
            column!(notifications, (nth, _) => *nth),
            column!(notifications, (_, notification) => notification.user.0),
            column!(notifications, (_, notification) => notification.id),
        ];
        let rows = self.connection.query(sql!("store_notifications"), params).await?;
        if !rows.first().is_some_and(|row| row.get(0)) {
            return Ok(NotificationCommit::CheckpointMoved);
        }
        Ok(NotificationCommit::Done(groups.iter().map(|(users, _)| *users).collect()))
    }
}

/// Returns the kinds that are not as they are by default, separated by commas: Postgres has no arrays of lists
/// of different lengths.
fn kinds(preferences: NotificationPreferences) -> String {
    preferences.changed_kinds().map(NotificationKind::name).collect::<Vec<_>>().join(",")
}

/// Reads inboxes on a connection pool.
#[derive(Clone)]
pub struct PostgresInboxes {
    queries: PostgresQueries,
    inbox_size: i64,
}

impl PostgresInboxes {
    /// An inbox shows the newest `inbox_size` notifications.
    pub fn new(queries: PostgresQueries, inbox_size: NonZeroU16) -> PostgresInboxes {
        PostgresInboxes { queries, inbox_size: inbox_size.get().into() }
    }
}

#[async_trait]
impl InboxStore for PostgresInboxes {
    async fn inbox(&self, user: UserId) -> Result<InboxPage, Unavailable> {
        let rows = self.queries.query(sql!("inbox"), &[&user.0, &self.inbox_size]).await?;
        let (last, read_up_to) = rows.first().map_or((0, 0), |row| (number(row, 0), number(row, 1)));
        let entries: Vec<(u64, Vec<u8>)> = rows.iter().filter_map(entry).collect();
        let first = entries.first().map_or(last + 1, |(seq, _)| *seq);
        Ok(InboxPage { first, last, read_up_to, entries })
    }

    async fn mark_read(&self, user: UserId, up_to: u64) -> Result<u64, Unavailable> {
        let rows = self.queries.query(sql!("mark_read"), &[&user.0, &bigint(up_to)]).await?;
        Ok(rows.first().map_or(0, |row| number(row, 0)))
    }
}

fn entry(row: &Row) -> Option<(u64, Vec<u8>)> {
    let (seq, id): (Option<i64>, Option<Uuid>) = (row.get(2), row.get(3));
    seq?;
    Some((number(row, 2), json(id?, row.get(4))))
}
