//! Notifications, as the notifier stores them and as users read them.

use crate::inline_projections::bigint;
use crate::queries::{PostgresQueries, WAIT};
use crate::store::{DEADLINE, number, within};
use crate::{PostgresStoreConnector, unavailable};
use auction_app::ports::Unavailable;
use auction_app::ports::notifications::inbox::{InboxPage, InboxStore};
use auction_app::ports::notifications::notification_sink::NewNotification;
use auction_app::ports::notifications::notification_store::{
    NotificationBatch, NotificationCommit, NotificationStore, NotificationStoreConnector, json,
};
use auction_domain::UserId;
use auction_domain::user::NotificationKind;
use auction_wire::PartitionId;
use std::collections::HashMap;
use std::num::NonZeroU16;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Row, Statement};
use uuid::Uuid;

/// Makes connections for the notifier.
#[derive(Clone, Debug)]
pub struct PostgresNotificationConnector {
    stores: PostgresStoreConnector,
    keeps: i64,
    by_email: Vec<&'static str>,
}

impl PostgresNotificationConnector {
    /// In the database of these stores. Each inbox keeps so many, the newest. Those of some kinds go out by e-mail as
    /// well.
    pub fn new(
        stores: &PostgresStoreConnector,
        keeps: NonZeroU16,
        by_email: &[NotificationKind],
    ) -> PostgresNotificationConnector {
        let by_email = by_email.iter().copied().map(kind).collect();
        PostgresNotificationConnector { stores: stores.clone(), keeps: keeps.get().into(), by_email }
    }
}

impl NotificationStoreConnector for PostgresNotificationConnector {
    type Store = PostgresNotificationStore;

    async fn open(&self) -> Result<PostgresNotificationStore, Unavailable> {
        within(DEADLINE, async {
            let client = self.stores.connect().await?;
            let checkpoint = client.prepare(include_str!("../../../sql/queries/notifier_checkpoint.sql"));
            let checkpoint = checkpoint.await.map_err(unavailable)?;
            let tell = client.prepare(include_str!("../../../sql/queries/tell.sql"));
            let tell = tell.await.map_err(unavailable)?;
            let PostgresNotificationConnector { keeps, by_email, .. } = self.clone();
            Ok(PostgresNotificationStore { client, checkpoint, tell, keeps, by_email })
        })
        .await
    }
}

/// One connection.
pub struct PostgresNotificationStore {
    client: Client,
    checkpoint: Statement,
    tell: Statement,
    keeps: i64,
    by_email: Vec<&'static str>,
}

impl NotificationStore for PostgresNotificationStore {
    async fn checkpoint(&mut self, partition: PartitionId) -> Result<u64, Unavailable> {
        within(DEADLINE, async {
            let row = self.client.query_one(&self.checkpoint, &[&(partition.0 as i16)]).await;
            Ok(number(&row.map_err(unavailable)?, 0))
        })
        .await
    }

    async fn commit(&mut self, telling: &NotificationBatch) -> Result<NotificationCommit, Unavailable> {
        let (choices, all) = (&telling.subscriptions, &telling.notifications);
        macro_rules! column {
            ($of:expr, $name:ident => $value:expr) => {
                &$of.iter().map(|$name| $value).collect::<Vec<_>>()
            };
        }
        let params: &[&(dyn ToSql + Sync)] = &[
            &(telling.partition.0 as i16), // at most 100 partitions
            &bigint(telling.from),
            &bigint(telling.to),
            &self.keeps,
            column!(choices, choice => choice.0.0),
            column!(choices, choice => choice.1.auction_won),
            column!(choices, choice => choice.1.highest_bid),
            column!(choices, choice => choice.1.bid_doubled),
            column!(telling.deleted, user => user.0),
            column!(all, notification => notification.user.0),
            column!(all, notification => notification.id),
            column!(all, notification => kind(notification.kind)),
            column!(all, notification => &*notification.news),
            &self.by_email,
        ];
        let rows = self.client.query(&self.tell, params);
        let rows = within(DEADLINE, async { rows.await.map_err(unavailable) }).await?;
        if !rows.first().is_some_and(|row| row.get("hit")) {
            return Ok(NotificationCommit::CheckpointMoved);
        }
        let news: HashMap<Uuid, &[u8]> = all.iter().map(|told| (told.id, &*told.news)).collect();
        let delivered = rows.iter().filter_map(|row| {
            let (user, id): (Option<Uuid>, Option<Uuid>) = (row.get(1), row.get(3));
            let (user, id) = (UserId(user?), id?);
            Some(NewNotification { user, seq: number(row, 2), json: json(id, news.get(&id)?) })
        });
        Ok(NotificationCommit::Done(delivered.collect()))
    }
}

/// What `tell.sql` knows it by.
fn kind(kind: NotificationKind) -> &'static str {
    match kind {
        NotificationKind::AuctionWon => "auction_won",
        NotificationKind::HighestBid => "highest_bid",
        NotificationKind::BidDoubled => "bid_doubled",
    }
}

/// The inboxes for those who read, from a pool of connections.
#[derive(Clone)]
pub struct PostgresInboxes {
    lookup: PostgresQueries,
    keeps: i64,
}

impl PostgresInboxes {
    /// Over a pool. Each inbox shows so many, the newest.
    pub fn new(lookup: PostgresQueries, keeps: NonZeroU16) -> PostgresInboxes {
        PostgresInboxes { lookup, keeps: keeps.get().into() }
    }
}

impl InboxStore for PostgresInboxes {
    async fn inbox(&self, user: UserId) -> Result<InboxPage, Unavailable> {
        let rows = within(WAIT, async {
            let client = self.lookup.client().await?;
            let statement = client.prepare_cached(include_str!("../../../sql/queries/inbox.sql")).await;
            let statement = statement.map_err(unavailable)?;
            client.query(&statement, &[&user.0, &self.keeps]).await.map_err(unavailable)
        })
        .await?;
        let (last, read_up_to) = rows.first().map_or((0, 0), |row| (number(row, 0), number(row, 1)));
        let entries: Vec<(u64, Vec<u8>)> = rows.iter().filter_map(entry).collect();
        let first = entries.first().map_or(last + 1, |(seq, _)| *seq);
        Ok(InboxPage { first, last, read_up_to, entries })
    }

    async fn mark_read(&self, user: UserId, up_to: u64) -> Result<u64, Unavailable> {
        within(WAIT, async {
            let client = self.lookup.client().await?;
            let statement = client.prepare_cached(include_str!("../../../sql/queries/mark_read.sql")).await;
            let statement = statement.map_err(unavailable)?;
            let row = client.query_opt(&statement, &[&user.0, &bigint(up_to)]).await.map_err(unavailable)?;
            Ok(row.map_or(0, |row| number(&row, 0)))
        })
        .await
    }
}

fn entry(row: &Row) -> Option<(u64, Vec<u8>)> {
    let (seq, id): (Option<i64>, Option<Uuid>) = (row.get(2), row.get(3));
    seq?;
    Some((number(row, 2), json(id?, row.get(4))))
}
