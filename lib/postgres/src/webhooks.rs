//! Webhooks of users, and the deliveries to them.

use crate::inline_projections::bigint;
use crate::queries::{PostgresQueries, TIMEOUT};
use crate::rows::number;
use crate::store::within;
use crate::unavailable;
use async_trait::async_trait;
use auction_app::ports::Unavailable;
use auction_app::ports::notifications::outbox::OutboxState;
use auction_app::ports::notifications::webhooks::{
    CreateResult, ReplayResult, Webhook, WebhookDelivery, WebhookStore,
};
use auction_domain::{Timestamp, UserId};
use std::time::Duration;
use tokio_postgres::Row;
use uuid::Uuid;

#[async_trait]
impl WebhookStore for PostgresQueries {
    async fn create(
        &self,
        user: UserId,
        webhook: Uuid,
        url: &str,
        limit: u16,
    ) -> Result<CreateResult, Unavailable> {
        within(TIMEOUT, async {
            let mut client = self.client().await?;
            let transaction = client.transaction().await.map_err(unavailable)?;
            let lock = transaction.prepare_cached(include_str!("../../../sql/queries/lock_user.sql")).await;
            let user_row = transaction.query_opt(&lock.map_err(unavailable)?, &[&user.0]).await;
            if user_row.map_err(unavailable)?.is_none() {
                return Ok(CreateResult::NoUser);
            }
            let create = include_str!("../../../sql/queries/create_webhook.sql");
            let create = transaction.prepare_cached(create).await.map_err(unavailable)?;
            let params: [&(dyn tokio_postgres::types::ToSql + Sync); 4] =
                [&webhook, &user.0, &url, &i64::from(limit)];
            let row = transaction.query_opt(&create, &params).await.map_err(unavailable)?;
            transaction.commit().await.map_err(unavailable)?;
            Ok(row.map_or(CreateResult::TooMany, |row| CreateResult::Done(read(&row))))
        })
        .await
    }

    async fn webhooks(&self, user: UserId) -> Result<Vec<Webhook>, Unavailable> {
        let rows = self.query(include_str!("../../../sql/queries/webhooks.sql"), &[&user.0]).await?;
        Ok(rows.iter().map(read).collect())
    }

    async fn delete(&self, user: UserId, webhook: Uuid) -> Result<bool, Unavailable> {
        let statement = include_str!("../../../sql/queries/delete_webhook.sql");
        Ok(!self.query(statement, &[&user.0, &webhook]).await?.is_empty())
    }

    async fn rotate(
        &self,
        user: UserId,
        webhook: Uuid,
        overlap: Duration,
    ) -> Result<Option<Webhook>, Unavailable> {
        let overlap = i64::try_from(overlap.as_millis()).unwrap_or(i64::MAX);
        let statement = include_str!("../../../sql/queries/rotate_webhook.sql");
        Ok(self.query(statement, &[&user.0, &webhook, &overlap]).await?.first().map(read))
    }

    async fn deliveries(
        &self,
        user: UserId,
        webhook: Uuid,
        before: u64,
        limit: usize,
    ) -> Result<Option<Vec<WebhookDelivery>>, Unavailable> {
        let statement = include_str!("../../../sql/queries/deliveries.sql");
        let (before, limit) = (bigint(before), bigint(limit as u64));
        let rows = self.query(statement, &[&user.0, &webhook, &before, &limit]).await?;
        Ok((!rows.is_empty()).then(|| rows.iter().filter_map(delivery).collect()))
    }

    async fn replay(
        &self,
        user: UserId,
        webhook: Uuid,
        notification: Uuid,
    ) -> Result<ReplayResult, Unavailable> {
        let statement = include_str!("../../../sql/queries/replay_delivery.sql");
        let rows = self.query(statement, &[&user.0, &webhook, &notification]).await?;
        let Some(row) = rows.first() else { return Ok(ReplayResult::NoWebhook) };
        Ok(match delivery(row) {
            Some(delivery) => ReplayResult::Done(delivery),
            None if row.get(10) => ReplayResult::Disabled,
            None => ReplayResult::NoDelivery,
        })
    }
}

fn read(row: &Row) -> Webhook {
    let secret: i32 = row.get(2);
    Webhook {
        id: row.get(0),
        url: row.get(1),
        secret: secret.cast_unsigned(),
        previous_until: row.get::<_, Option<i64>>(3).map(Timestamp),
        created_at: Timestamp(row.get(4)),
        disabled_at: row.get::<_, Option<i64>>(5).map(Timestamp),
    }
}

/// Returns `None` for a row of nulls.
fn delivery(row: &Row) -> Option<WebhookDelivery> {
    row.get::<_, Option<i64>>(0)?;
    let (attempts, status): (i32, Option<i16>) = (row.get(3), row.get(7));
    Some(WebhookDelivery {
        seq: number(row, 0),
        id: row.get(1),
        // The table allows no other states.
        state: OutboxState::named(row.get(2))?,
        attempts: attempts.cast_unsigned(),
        created_at: Timestamp(row.get(4)),
        due_at: Timestamp(row.get(5)),
        finished_at: row.get::<_, Option<i64>>(6).map(Timestamp),
        status: status.map(i16::cast_unsigned),
        error: row.get(8),
        content: row.get(9),
    })
}
