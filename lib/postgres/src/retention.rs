//! Outcomes are deleted at the end of their retention, in steps through the pages of their table; what was sent out
//! of the house, the oldest first.

use crate::queries::PostgresQueries;
use crate::store::number;
use auction_app::ports::Unavailable;
use auction_app::ports::events::retention::{DeletedOutcomes, DeliveryRetention, OutcomeRetention};
use auction_domain::Timestamp;
use std::time::Duration;

/// A step looks at so many pages of 8 kB, at most about ten thousand outcomes.
const PAGES: u64 = 128;

/// A step deletes so many deliveries.
const DELIVERIES: i64 = 1000;

impl OutcomeRetention for PostgresQueries {
    async fn delete_outcomes(
        &self,
        before: Timestamp,
        retention: Duration,
        from: u64,
    ) -> Result<DeletedOutcomes, Unavailable> {
        let number = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        let retention = i64::try_from(retention.as_millis()).unwrap_or(i64::MAX);
        let statement = include_str!("../../../sql/queries/delete_outcomes.sql");
        let row = self.row(statement, &[&before.0, &retention, &number(from), &number(PAGES)]).await?;
        let count = |column| u64::try_from(row.get::<_, i64>(column)).unwrap_or_default();
        let (deleted, pages) = (count(0), count(1));
        let next = if from + PAGES < pages { from + PAGES } else { 0 };
        Ok(DeletedOutcomes { deleted, next, steps: pages.div_ceil(PAGES) })
    }
}

impl DeliveryRetention for PostgresQueries {
    async fn delete_deliveries(&self, keep: Duration) -> Result<u64, Unavailable> {
        let keep = i64::try_from(keep.as_millis()).unwrap_or(i64::MAX);
        let statement = include_str!("../../../sql/queries/delete_deliveries.sql");
        let row = self.row(statement, &[&keep, &DELIVERIES]).await?;
        Ok(number(&row, 0))
    }
}
