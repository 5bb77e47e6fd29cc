//! Webhooks of users, and the deliveries to them.

use crate::connection::within;
use crate::inline_projections::bigint;
use crate::queries::{PostgresQueries, TIMEOUT};
use crate::rows::{millis, number};
use crate::unavailable;
use async_trait::async_trait;
use auction_app::ports::Unavailable;
use auction_app::ports::notifications::outbox::OutboxState;
use auction_app::ports::notifications::webhooks::{
    CreateResult, ReplayResult, Webhook, WebhookDelivery, WebhookStore,
};
use auction_domain::{Timestamp, UserId};
use deadpool_postgres::Client;
use std::time::Duration;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Error, Row};
use uuid::Uuid;

/// Creates a webhook in one transaction.
async fn create(
    client: &mut Client,
    user: UserId,
    params: &[&(dyn ToSql + Sync)],
) -> Result<CreateResult, Error> {
    let transaction = client.transaction().await?;
    let lock = transaction.prepare_cached(sql!("lock_user")).await?;
    if transaction.query_opt(&lock, &[&user.0]).await?.is_none() {
        return Ok(CreateResult::NoUser);
    }
    let create = transaction.prepare_cached(sql!("create_webhook")).await?;
    let row = transaction.query_opt(&create, params).await?;
    transaction.commit().await?;
    Ok(row.map_or(CreateResult::TooMany, |row| CreateResult::Done(read(&row))))
}

#[async_trait]
impl WebhookStore for PostgresQueries {
    async fn create(
        &self,
        user: UserId,
        webhook: Uuid,
        url: &str,
        limit: u16,
    ) -> Result<CreateResult, Unavailable> {
        let params: &[&(dyn ToSql + Sync)] = &[&webhook, &user.0, &url, &i64::from(limit)];
        within(TIMEOUT, async {
            let mut created = create(&mut self.client().await?, user, params).await;
            if created.as_ref().is_err_and(|error| self.ended(error)) {
                created = create(&mut self.client().await?, user, params).await;
            }
            created.map_err(unavailable)
        })
        .await
    }

    async fn webhooks(&self, user: UserId) -> Result<Vec<Webhook>, Unavailable> {
        let rows = self.query(sql!("webhooks"), &[&user.0]).await?;
        Ok(rows.iter().map(read).collect())
    }

    async fn delete(&self, user: UserId, webhook: Uuid) -> Result<bool, Unavailable> {
        Ok(!self.query(sql!("delete_webhook"), &[&user.0, &webhook]).await?.is_empty())
    }

    async fn rotate(
        &self,
        user: UserId,
        webhook: Uuid,
        overlap: Duration,
    ) -> Result<Option<Webhook>, Unavailable> {
        let rows = self.query_once(sql!("rotate_webhook"), &[&user.0, &webhook, &millis(overlap)]).await?;
        Ok(rows.first().map(read))
    }

    async fn deliveries(
        &self,
        user: UserId,
        webhook: Uuid,
        before: u64,
        limit: usize,
    ) -> Result<Option<Vec<WebhookDelivery>>, Unavailable> {
        let (before, limit) = (bigint(before), bigint(limit as u64));
        let rows = self.query(sql!("deliveries"), &[&user.0, &webhook, &before, &limit]).await?;
        Ok((!rows.is_empty()).then(|| rows.iter().filter_map(delivery).collect()))
    }

    async fn replay(
        &self,
        user: UserId,
        webhook: Uuid,
        notification: Uuid,
    ) -> Result<ReplayResult, Unavailable> {
        let rows = self.query(sql!("replay_delivery"), &[&user.0, &webhook, &notification]).await?;
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
