//! What services have parked.

use crate::inline_projections::bigint;
use crate::queries::{PostgresQueries, WAIT};
use crate::store::{number, within};
use crate::unavailable;
use auction_app::ports::Unavailable;
use auction_app::ports::operator::parked_events::{
    OperatorAction, ParkReason, ParkedAggregate, ParkedEvent, ParkedEvents,
};
use auction_domain::Timestamp;
use auction_wire::PartitionId;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

macro_rules! query {
    ($name:literal) => {
        include_str!(concat!("../../../sql/queries/", $name, ".sql"))
    };
}

impl PostgresQueries {
    async fn rows(&self, query: &str, values: &[&(dyn ToSql + Sync)]) -> Result<Vec<Row>, Unavailable> {
        within(WAIT, async {
            let client = self.client().await?;
            let statement = client.prepare_cached(query).await.map_err(unavailable)?;
            client.query(&statement, values).await.map_err(unavailable)
        })
        .await
    }

    /// How many rows it changed.
    async fn change(&self, query: &str, values: &[&(dyn ToSql + Sync)]) -> Result<u64, Unavailable> {
        within(WAIT, async {
            let client = self.client().await?;
            let statement = client.prepare_cached(query).await.map_err(unavailable)?;
            client.execute(&statement, values).await.map_err(unavailable)
        })
        .await
    }
}

impl ParkedEvents for PostgresQueries {
    async fn of(&self, service: &str, partition: PartitionId) -> Result<Vec<ParkedAggregate>, Unavailable> {
        let rows = self.rows(query!("parked_events"), &[&service, &(partition.0 as i16)]).await?;
        rows.iter().map(|row| parked(service, partition, row)).collect()
    }

    async fn all(&self) -> Result<Vec<ParkedAggregate>, Unavailable> {
        let rows = self.rows(query!("all_parked_events"), &[]).await?;
        let of = |row: &Row| {
            let (service, partition): (&str, i16) = (row.get(8), row.get(9));
            parked(service, PartitionId(partition.cast_unsigned()), row)
        };
        rows.iter().map(of).collect()
    }

    async fn park(
        &self,
        service: &str,
        partition: PartitionId,
        event: &ParkedEvent,
    ) -> Result<(), Unavailable> {
        let ParkedEvent { key, position, version, kind, reason, error } = event;
        // Postgres has no NUL in texts.
        let (kind, error) = (kind.replace('\0', "\u{fffd}"), error.replace('\0', "\u{fffd}"));
        let (partition, position, version) = (partition.0 as i16, bigint(*position), bigint(*version));
        let values: [&(dyn ToSql + Sync); 8] =
            [&service, &partition, key, &position, &version, &kind, &reason.name(), &error];
        self.change(query!("park_event"), &values).await.map(drop)
    }

    async fn unpark(&self, service: &str, key: Uuid, position: u64) -> Result<(), Unavailable> {
        self.change(query!("unpark_event"), &[&service, &key, &bigint(position)]).await.map(drop)
    }

    async fn request(
        &self,
        service: &str,
        key: Uuid,
        position: u64,
        asked: OperatorAction,
    ) -> Result<bool, Unavailable> {
        let values: [&(dyn ToSql + Sync); 4] = [&service, &key, &bigint(position), &asked.name()];
        Ok(self.change(query!("ask_parked_event"), &values).await? > 0)
    }
}

fn parked(service: &str, partition: PartitionId, row: &Row) -> Result<ParkedAggregate, Unavailable> {
    let (reason, asked): (&str, Option<&str>) = (row.get(4), row.get(7));
    let known = ParkReason::ALL.into_iter().find(|known| known.name() == reason);
    let reason = known.ok_or_else(|| Unavailable::new("postgres", format!("no such reason: {reason}")))?;
    Ok(ParkedAggregate {
        service: service.to_owned(),
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
        asked: OperatorAction::ALL.into_iter().find(|known| Some(known.name()) == asked),
    })
}
