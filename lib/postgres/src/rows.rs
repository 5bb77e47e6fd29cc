//! Conversion of rows to the types of the ports.

use crate::unavailable;
use auction_app::ports::Unavailable;
use auction_domain::Timestamp;
use auction_wire::{CommandId, EventRecord, Outcome, OutcomeResult, PartitionId, SnapshotRecord};
use std::time::Duration;
use tokio_postgres::Row;

pub(crate) fn number(row: &Row, column: usize) -> u64 {
    let number: i64 = row.get(column);
    // Positions, versions and counts are never negative.
    u64::try_from(number).unwrap_or_default()
}

pub(crate) fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

pub(crate) fn event(row: &Row) -> EventRecord {
    let schema: i16 = row.get(4);
    EventRecord {
        position: number(row, 0),
        key: row.get(1),
        version: number(row, 2),
        kind: row.get(3),
        schema: schema.cast_unsigned(),
        at: Timestamp(row.get(5)),
        cause: CommandId(row.get(6)),
        trace: String::new(),
        body: row.get(7),
    }
}

pub(crate) fn snapshot(row: &Row) -> SnapshotRecord {
    let format: i16 = row.get(4);
    SnapshotRecord {
        position: number(row, 0),
        key: row.get(1),
        version: number(row, 2),
        format: format.cast_unsigned(),
        body: row.get(7),
    }
}

pub(crate) fn outcome(row: &Row) -> Result<Outcome, Unavailable> {
    let (fingerprint, partition): (i64, i16) = (row.get(3), row.get(4));
    let result: &[u8] = row.get(7);
    Ok(Outcome {
        command: CommandId(row.get(0)),
        kind: row.get(1),
        key: row.get(2),
        fingerprint: fingerprint.cast_unsigned(),
        partition: PartitionId(partition.cast_unsigned()),
        position: number(row, 5),
        at: Timestamp(row.get(6)),
        result: OutcomeResult::decode(result).map_err(unavailable)?,
    })
}
