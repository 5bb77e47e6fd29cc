//! Deletes expired outcomes, in steps through the pages of their table, and finished deliveries, the oldest
//! first.

use crate::queries::PostgresQueries;
use crate::rows::number;
use auction_app::ports::Unavailable;
use auction_app::ports::events::retention::{DeletedOutcomes, DeliveryRetention, OutcomeRetention};
use auction_domain::Timestamp;
use std::time::Duration;

/// Number of pages of 8 kB per step: at most about ten thousand outcomes.
const PAGES_PER_STEP: u64 = 128;

/// Maximum number of deliveries deleted in a step.
const DELIVERIES_PER_STEP: i64 = 1000;

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
        let row =
            self.row(statement, &[&before.0, &retention, &number(from), &number(PAGES_PER_STEP)]).await?;
        let count = |column| u64::try_from(row.get::<_, i64>(column)).unwrap_or_default();
        let (deleted, pages) = (count(0), count(1));
        let next = if from + PAGES_PER_STEP < pages { from + PAGES_PER_STEP } else { 0 };
        Ok(DeletedOutcomes { deleted, next, steps: pages.div_ceil(PAGES_PER_STEP) })
    }
}

impl DeliveryRetention for PostgresQueries {
    async fn delete_deliveries(&self, keep: Duration) -> Result<u64, Unavailable> {
        let keep = i64::try_from(keep.as_millis()).unwrap_or(i64::MAX);
        let statement = include_str!("../../../sql/queries/delete_deliveries.sql");
        let row = self.row(statement, &[&keep, &DELIVERIES_PER_STEP]).await?;
        Ok(number(&row, 0))
    }
}
