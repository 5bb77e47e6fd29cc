//! Deletes expired outcomes, in steps through the pages of their table, and finished deliveries, the oldest
//! first.

use crate::inline_projections::bigint;
use crate::queries::PostgresQueries;
use crate::rows::{millis, number};
use auction_app::ports::Unavailable;
use auction_app::ports::events::retention::{DeletedOutcomes, DeliveryRetention, OutcomeRetention};
use auction_domain::Timestamp;
use std::time::Duration;
use tokio_postgres::types::ToSql;

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
        let params: &[&(dyn ToSql + Sync)] =
            &[&before.0, &millis(retention), &bigint(from), &bigint(PAGES_PER_STEP)];
        let row = self.row(sql!("delete_outcomes"), params).await?;
        let (deleted, pages) = (number(&row, 0), number(&row, 1));
        let next = if from + PAGES_PER_STEP < pages { from + PAGES_PER_STEP } else { 0 };
        Ok(DeletedOutcomes { deleted, next, steps: pages.div_ceil(PAGES_PER_STEP) })
    }
}

impl DeliveryRetention for PostgresQueries {
    async fn delete_deliveries(&self, keep: Duration) -> Result<u64, Unavailable> {
        let row = self.row(sql!("delete_deliveries"), &[&millis(keep), &DELIVERIES_PER_STEP]).await?;
        Ok(number(&row, 0))
    }
}
