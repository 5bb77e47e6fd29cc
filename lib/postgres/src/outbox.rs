//! The outbox: deliveries of notifications by webhook and e-mail.

use crate::inline_projections::bigint;
use crate::queries::PostgresQueries;
use crate::rows::{millis, number};
use auction_app::ports::Unavailable;
use auction_app::ports::notifications::outbox::{
    AttemptRecord, AttemptResult, ClaimRequest, DeliveryChannel, DeliveryId, Destination, Outbox,
    OutboxMessage,
};
use auction_wire::PartitionId;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

impl Outbox for PostgresQueries {
    async fn claim(&self, claim: &ClaimRequest) -> Result<Vec<OutboxMessage>, Unavailable> {
        let destination = match claim.channel {
            DeliveryChannel::Webhook => webhook,
            DeliveryChannel::Email => email,
        };
        let (limit, per_endpoint) = (bigint(claim.limit as u64), bigint(claim.per_endpoint as u64));
        let params: &[&(dyn ToSql + Sync)] =
            &[&claim.channel.name(), &claim.busy, &limit, &per_endpoint, &millis(claim.lease)];
        let rows = self.query_once(sql!("claim_deliveries"), params).await?;
        Ok(rows.iter().map(|row| message(row, destination(row))).collect())
    }

    async fn record(&self, attempts: &[AttemptRecord]) -> Result<(), Unavailable> {
        macro_rules! column {
            ($one:ident => $value:expr) => {
                &attempts.iter().map(|$one| $value).collect::<Vec<_>>()
            };
        }
        let params: &[&(dyn ToSql + Sync)] = &[
            column!(one => bigint(one.delivery.seq)),
            column!(one => one.claim),
            column!(one => one.result.state().name()),
            column!(one => if let AttemptResult::Retry(wait) = one.result { millis(wait) } else { 0 }),
            column!(one => one.result != AttemptResult::Released),
            // HTTP and SMTP statuses have three digits.
            column!(one => one.status.map(u16::cast_signed)),
            column!(one => one.error),
            column!(one => one.result == AttemptResult::EndpointGone),
            column!(one => one.delivery.partition.0.cast_signed()),
        ];
        self.query(sql!("record_attempts"), params).await.map(drop)
    }
}

fn message(row: &Row, destination: Destination) -> OutboxMessage {
    let (attempts, partition): (i32, i16) = (row.get(4), row.get(11));
    OutboxMessage {
        delivery: DeliveryId { partition: PartitionId(partition.cast_unsigned()), seq: number(row, 0) },
        claim: row.get(1),
        endpoint: row.get(2),
        id: row.get(3),
        attempts: attempts.cast_unsigned(),
        content: row.get(5),
        destination,
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

fn email(row: &Row) -> Destination {
    row.get::<_, Option<String>>(10)
        .map_or(Destination::Unreachable("no_address"), |address| Destination::Email { address })
}
