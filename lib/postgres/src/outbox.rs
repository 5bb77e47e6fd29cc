//! What is on its way out of the house.

use crate::inline_projections::bigint;
use crate::queries::PostgresQueries;
use crate::store::number;
use auction_app::ports::Unavailable;
use auction_app::ports::notifications::outbox::{
    AttemptRecord, AttemptResult, ClaimRequest, DeliveryChannel, Destination, Outbox, OutboxMessage,
};
use std::time::Duration;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

impl Outbox for PostgresQueries {
    async fn claim(&self, claim: &ClaimRequest) -> Result<Vec<OutboxMessage>, Unavailable> {
        let (statement, to): (_, fn(&Row) -> Destination) = match claim.way {
            DeliveryChannel::Webhook => (include_str!("../../../sql/queries/claim_webhooks.sql"), webhook),
            DeliveryChannel::Email => (include_str!("../../../sql/queries/claim_emails.sql"), mailbox),
        };
        let (limit, each) = (bigint(claim.limit as u64), bigint(claim.per_endpoint as u64));
        let params: &[&(dyn ToSql + Sync)] = &[&claim.busy, &limit, &each, &millis(claim.lease)];
        let rows = self.query(statement, params).await?;
        Ok(rows.iter().map(|row| parcel(row, to(row))).collect())
    }

    async fn record(&self, settled: &[AttemptRecord]) -> Result<(), Unavailable> {
        macro_rules! column {
            ($one:ident => $value:expr) => {
                &settled.iter().map(|$one| $value).collect::<Vec<_>>()
            };
        }
        let params: &[&(dyn ToSql + Sync)] = &[
            column!(one => bigint(one.seq)),
            column!(one => one.claim),
            column!(one => one.verdict.state().name()),
            column!(one => if let AttemptResult::Retry(wait) = one.verdict { millis(wait) } else { 0 }),
            column!(one => one.verdict != AttemptResult::Released),
            // Statuses have three digits.
            column!(one => one.status.map(u16::cast_signed)),
            column!(one => one.error),
            column!(one => one.verdict == AttemptResult::EndpointGone),
        ];
        self.query(include_str!("../../../sql/queries/settle_deliveries.sql"), params).await.map(drop)
    }
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

fn parcel(row: &Row, to: Destination) -> OutboxMessage {
    let attempts: i32 = row.get(4);
    OutboxMessage {
        seq: number(row, 0),
        claim: row.get(1),
        endpoint: row.get(2),
        id: row.get(3),
        attempts: attempts.cast_unsigned(),
        news: row.get(5),
        to,
    }
}

fn webhook(row: &Row) -> Destination {
    let Some(url) = row.get(6) else { return Destination::Unreachable("deleted") };
    if row.get(9) {
        return Destination::Unreachable("disabled");
    }
    let secret: i32 = row.get(7);
    Destination::Webhook {
        url,
        secret: secret.cast_unsigned(),
        previous: row.get::<_, Option<bool>>(8) == Some(true),
    }
}

fn mailbox(row: &Row) -> Destination {
    row.get::<_, Option<String>>(6)
        .map_or(Destination::Unreachable("no_address"), |address| Destination::Email { address })
}
