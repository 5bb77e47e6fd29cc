//! Places outgoing notifications in inboxes.

use crate::inline_projections::bigint;
use crate::queries::PostgresQueries;
use crate::rows::number;
use auction_app::ports::Unavailable;
use auction_app::ports::notifications::notification_sink::NewNotification;
use auction_app::ports::notifications::notification_store::{Notification, json};
use auction_app::ports::notifications::placement::{
    OutgoingGroup, PlacementBatch, PlacementProgress, PlacementResult, PlacementStore,
};
use auction_domain::UserId;
use auction_domain::user::NotificationKind;
use auction_wire::{PartitionCount, PartitionId};
use std::collections::{BTreeMap, HashMap};
use std::num::NonZeroU16;
use std::sync::Arc;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

/// Places notifications on a connection pool.
#[derive(Clone)]
pub struct PostgresPlacements {
    queries: PostgresQueries,
    partitions: PartitionCount,
    inbox_size: i64,
    email_kinds: Vec<&'static str>,
}

impl PostgresPlacements {
    /// An inbox keeps the newest `inbox_size` notifications. Those of the kinds `email_kinds` are sent by e-mail
    /// as well.
    pub fn new(
        queries: PostgresQueries,
        partitions: PartitionCount,
        inbox_size: NonZeroU16,
        email_kinds: &[NotificationKind],
    ) -> PostgresPlacements {
        let email_kinds = email_kinds.iter().map(|kind| kind.name()).collect();
        PostgresPlacements { queries, partitions, inbox_size: inbox_size.get().into(), email_kinds }
    }

    /// Returns the number of each partition, from partition 0.
    fn numbers(&self, placed: &BTreeMap<PartitionId, u64>) -> Vec<i64> {
        let number = |partition| bigint(placed.get(&partition).copied().unwrap_or_default());
        self.partitions.all().map(number).collect()
    }
}

impl PlacementStore for PostgresPlacements {
    async fn progress(&self, users: PartitionId) -> Result<PlacementProgress, Unavailable> {
        let rows = self.queries.query(sql!("placement_progress"), &[&users.0.cast_signed()]).await?;
        // A row that this statement inserted is not visible to it.
        let Some(row) = rows.first() else { return Ok(PlacementProgress::default()) };
        let placed: Vec<i64> = row.get(1);
        let placed = self.partitions.all().zip(placed.into_iter().map(i64::cast_unsigned));
        let placed = placed.filter(|(_, number)| *number > 0);
        Ok(PlacementProgress { version: number(row, 0), placed: placed.collect() })
    }

    async fn outgoing(
        &self,
        users: PartitionId,
        progress: &PlacementProgress,
        limit: usize,
    ) -> Result<Vec<OutgoingGroup>, Unavailable> {
        let params: &[&(dyn ToSql + Sync)] = &[
            &users.0.cast_signed(),
            &self.numbers(&progress.placed),
            &bigint(limit as u64),
            &bigint(progress.version),
        ];
        let rows = self.queries.query(sql!("outgoing_notifications"), params).await?;
        let mut groups = rows.iter().map(group).collect::<Result<Vec<_>, _>>()?;
        groups.sort_unstable_by_key(|group| (group.partition, group.number));
        Ok(groups)
    }

    async fn remove_placed(
        &self,
        users: PartitionId,
        progress: &PlacementProgress,
    ) -> Result<(), Unavailable> {
        let params: &[&(dyn ToSql + Sync)] = &[&users.0.cast_signed(), &self.numbers(&progress.placed)];
        self.queries.query(sql!("remove_placed"), params).await.map(drop)
    }

    async fn place(&self, batch: &PlacementBatch) -> Result<PlacementResult, Unavailable> {
        let notifications = &batch.notifications;
        macro_rules! column {
            ($name:ident => $value:expr) => {
                &notifications.iter().map(|$name| $value).collect::<Vec<_>>()
            };
        }
        let params: &[&(dyn ToSql + Sync)] = &[
            &batch.users.0.cast_signed(),
            &bigint(batch.version),
            &self.numbers(&batch.placed),
            &self.inbox_size,
            column!(notification => notification.user.0),
            column!(notification => notification.id),
            column!(notification => notification.kind.name()),
            column!(notification => notification.kind.is_on_by_default()),
            column!(notification => &*notification.content),
            &self.email_kinds,
        ];
        // If the connection ends, the statement runs once more, and finds the progress moved if it took effect.
        let rows = self.queries.query(sql!("place_notifications"), params).await?;
        if !rows.first().is_some_and(|row| row.get("hit")) {
            return Ok(PlacementResult::ProgressMoved);
        }
        let contents = notifications.iter().map(|notification| (notification.id, &*notification.content));
        let contents: HashMap<Uuid, &[u8]> = contents.collect();
        let placed = rows.iter().filter_map(|row| {
            let (user, id): (Option<Uuid>, Option<Uuid>) = (row.get(1), row.get(3));
            let (user, id) = (UserId(user?), id?);
            Some(NewNotification { user, seq: number(row, 2), json: json(id, contents.get(&id)?) })
        });
        Ok(PlacementResult::Done(placed.collect()))
    }
}

fn group(row: &Row) -> Result<OutgoingGroup, Unavailable> {
    let (partition, kind): (i16, &str) = (row.get(0), row.get(2));
    let kind = NotificationKind::named(kind).ok_or_else(|| {
        let error = format!("unknown kind {kind:?} of an outgoing notification: upgrade this notifier");
        Unavailable::new("postgres", error)
    })?;
    let (users, ids): (Vec<Uuid>, Vec<Uuid>) = (row.get(3), row.get(4));
    let content: Arc<[u8]> = row.get::<_, &[u8]>(5).into();
    let notifications = users.into_iter().zip(ids).map(|(user, id)| Notification {
        id,
        user: UserId(user),
        kind,
        content: Arc::clone(&content),
    });
    Ok(OutgoingGroup {
        partition: PartitionId(partition.cast_unsigned()),
        number: number(row, 1),
        notifications: notifications.collect(),
    })
}
