//! Notifications: stored by the notifier, read by users.

use crate::PostgresStoreConnector;
use crate::connection::Connection;
use crate::inline_projections::bigint;
use crate::queries::PostgresQueries;
use crate::rows::number;
use async_trait::async_trait;
use auction_app::ports::Unavailable;
use auction_app::ports::notifications::inbox::{InboxPage, InboxStore};
use auction_app::ports::notifications::notification_sink::NewNotification;
use auction_app::ports::notifications::notification_store::{
    NotificationBatch, NotificationCommit, NotificationStore, NotificationStoreConnector, json,
};
use auction_domain::UserId;
use auction_domain::user::{NotificationKind, NotificationPreferences};
use auction_wire::PartitionId;
use std::collections::HashMap;
use std::num::NonZeroU16;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

/// Opens connections for the notifier.
#[derive(Clone, Debug)]
pub struct PostgresNotificationConnector {
    connector: PostgresStoreConnector,
    inbox_size: i64,
    email_kinds: Vec<&'static str>,
}

impl PostgresNotificationConnector {
    /// Uses the database of `connector`. An inbox keeps the newest `inbox_size` notifications; those of the
    /// kinds `email_kinds` are sent by e-mail as well.
    pub fn new(
        connector: &PostgresStoreConnector,
        inbox_size: NonZeroU16,
        email_kinds: &[NotificationKind],
    ) -> PostgresNotificationConnector {
        PostgresNotificationConnector {
            connector: connector.clone(),
            inbox_size: inbox_size.get().into(),
            email_kinds: email_kinds.iter().map(|kind| kind.name()).collect(),
        }
    }
}

impl NotificationStoreConnector for PostgresNotificationConnector {
    type Store = PostgresNotificationStore;

    async fn open(&self) -> Result<PostgresNotificationStore, Unavailable> {
        let connection = self.connector.connect().await?;
        let PostgresNotificationConnector { inbox_size, email_kinds, .. } = self.clone();
        Ok(PostgresNotificationStore { connection, inbox_size, email_kinds })
    }
}

/// A connection of the notifier.
pub struct PostgresNotificationStore {
    connection: Connection,
    inbox_size: i64,
    email_kinds: Vec<&'static str>,
}

impl NotificationStore for PostgresNotificationStore {
    async fn checkpoint(&mut self, partition: PartitionId) -> Result<u64, Unavailable> {
        let rows = self.connection.query(sql!("notifier_checkpoint"), &[&(partition.0 as i16)]).await?;
        Ok(rows.first().map_or(0, |row| number(row, 0)))
    }

    async fn commit(&mut self, batch: &NotificationBatch) -> Result<NotificationCommit, Unavailable> {
        let (preferences, notifications) = (&batch.preferences, &batch.notifications);
        macro_rules! column {
            ($of:expr, $name:ident => $value:expr) => {
                &$of.iter().map(|$name| $value).collect::<Vec<_>>()
            };
        }
        let params: &[&(dyn ToSql + Sync)] = &[
            &(batch.partition.0 as i16), // at most 100 partitions
            &bigint(batch.from),
            &bigint(batch.to),
            &self.inbox_size,
            column!(preferences, entry => entry.0.0),
            column!(preferences, entry => kinds(entry.1)),
            column!(batch.deleted, user => user.0),
            column!(notifications, notification => notification.user.0),
            column!(notifications, notification => notification.id),
            column!(notifications, notification => notification.kind.name()),
            column!(notifications, notification => notification.kind.is_on_by_default()),
            column!(notifications, notification => &*notification.content),
            &self.email_kinds,
        ];
        let rows = self.connection.query(sql!("store_notifications"), params).await?;
        if !rows.first().is_some_and(|row| row.get("hit")) {
            return Ok(NotificationCommit::CheckpointMoved);
        }
        let contents = notifications.iter().map(|notification| (notification.id, &*notification.content));
        let contents: HashMap<Uuid, &[u8]> = contents.collect();
        let delivered = rows.iter().filter_map(|row| {
            let (user, id): (Option<Uuid>, Option<Uuid>) = (row.get(1), row.get(3));
            let (user, id) = (UserId(user?), id?);
            Some(NewNotification { user, seq: number(row, 2), json: json(id, contents.get(&id)?) })
        });
        Ok(NotificationCommit::Done(delivered.collect()))
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
