//! Parked events, stored in Postgres.

use crate::inline_projections::bigint;
use crate::queries::PostgresQueries;
use crate::rows::number;
use async_trait::async_trait;
use auction_app::ports::Unavailable;
use auction_app::ports::operator::parked_events::{
    OperatorAction, ParkReason, ParkedAggregate, ParkedEvent, ParkedEvents,
};
use auction_domain::Timestamp;
use auction_wire::PartitionId;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

#[async_trait]
impl ParkedEvents for PostgresQueries {
    async fn of(&self, component: &str, partition: PartitionId) -> Result<Vec<ParkedAggregate>, Unavailable> {
        let rows = self.query(sql!("parked_events"), &[&component, &(partition.0 as i16)]).await?;
        rows.iter().map(|row| parked(component, partition, row)).collect()
    }

    async fn all(&self) -> Result<Vec<ParkedAggregate>, Unavailable> {
        let rows = self.query(sql!("all_parked_events"), &[]).await?;
        let read = |row: &Row| {
            let (component, partition): (&str, i16) = (row.get(8), row.get(9));
            parked(component, PartitionId(partition.cast_unsigned()), row)
        };
        rows.iter().map(read).collect()
    }

    async fn park(
        &self,
        component: &str,
        partition: PartitionId,
        event: &ParkedEvent,
    ) -> Result<(), Unavailable> {
        let ParkedEvent { key, position, version, kind, reason, error } = event;
        // Postgres allows no NUL in texts.
        let (kind, error) = (kind.replace('\0', "\u{fffd}"), error.replace('\0', "\u{fffd}"));
        let (partition, position, version) = (partition.0 as i16, bigint(*position), bigint(*version));
        let values: [&(dyn ToSql + Sync); 8] =
            [&component, &partition, key, &position, &version, &kind, &reason.name(), &error];
        self.query(sql!("park_event"), &values).await.map(drop)
    }

    async fn unpark(&self, component: &str, key: Uuid, position: u64) -> Result<(), Unavailable> {
        self.query(sql!("unpark_event"), &[&component, &key, &bigint(position)]).await.map(drop)
    }

    async fn request(
        &self,
        component: &str,
        key: Uuid,
        position: u64,
        action: OperatorAction,
    ) -> Result<bool, Unavailable> {
        let values: [&(dyn ToSql + Sync); 4] = [&component, &key, &bigint(position), &action.name()];
        Ok(!self.query(sql!("request_parked_action"), &values).await?.is_empty())
    }
}

fn parked(component: &str, partition: PartitionId, row: &Row) -> Result<ParkedAggregate, Unavailable> {
    let (reason, action): (&str, Option<&str>) = (row.get(4), row.get(7));
    let known = ParkReason::ALL.into_iter().find(|known| known.name() == reason);
    let unknown = || Unavailable::new("postgres", format!("unknown park reason {reason:?}"));
    let reason = known.ok_or_else(unknown)?;
    Ok(ParkedAggregate {
        component: component.to_owned(),
        partition,
        event: ParkedEvent {
            key: row.get(0),
            position: number(row, 1),
            version: number(row, 2),
            kind: row.get(3),
            reason,
            error: row.get(5),
        },
        parked_at: Timestamp(row.get(6)),
        requested_action: OperatorAction::ALL.into_iter().find(|known| Some(known.name()) == action),
    })
}
