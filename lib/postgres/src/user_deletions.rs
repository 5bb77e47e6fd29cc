//! Open interests of deleted users.

use crate::inline_projections::bigint;
use crate::queries::PostgresQueries;
use auction_app::ports::Unavailable;
use auction_app::ports::people::user_deletions::{OpenInterest, PendingDeletion, UserDeletions};
use auction_domain::{AuctionId, Timestamp, UserId};
use tokio_postgres::Row;
use uuid::Uuid;

impl UserDeletions for PostgresQueries {
    async fn unfinished(&self, limit: usize) -> Result<Vec<PendingDeletion>, Unavailable> {
        let query = include_str!("../../../sql/queries/unfinished_deletions.sql");
        let rows = self.query(query, &[&bigint(limit as u64)]).await?;
        Ok(rows.iter().map(pending_deletion).collect())
    }

    async fn open_interests(&self, users: &[UserId]) -> Result<Vec<(UserId, OpenInterest)>, Unavailable> {
        let users: Vec<Uuid> = users.iter().map(|user| user.0).collect();
        let rows = self.query(include_str!("../../../sql/queries/open_interests.sql"), &[&users]).await?;
        Ok(rows.iter().map(open_interest).collect())
    }

    async fn record_sent(&self, sent: &[PendingDeletion]) -> Result<(), Unavailable> {
        let sequences: Vec<i64> = sent.iter().map(|sent| bigint(sent.sequence)).collect();
        let attempts: Vec<i32> = sent.iter().map(|sent| sent.attempt.cast_signed()).collect();
        let retry_at: Vec<i64> = sent.iter().map(|sent| sent.retry_at.0).collect();
        let update = include_str!("../../../sql/queries/deletions_sent.sql");
        self.query(update, &[&sequences, &attempts, &retry_at]).await.map(drop)
    }

    async fn mark_finished(&self, deletions: &[u64]) -> Result<(), Unavailable> {
        let sequences: Vec<i64> = deletions.iter().map(|sequence| bigint(*sequence)).collect();
        let update = include_str!("../../../sql/queries/finish_deletions.sql");
        self.query(update, &[&sequences]).await.map(drop)
    }
}

fn pending_deletion(row: &Row) -> PendingDeletion {
    let (sequence, attempt): (i64, i32) = (row.get(0), row.get(2));
    PendingDeletion {
        sequence: sequence.cast_unsigned(),
        user: UserId(row.get(1)),
        attempt: attempt.cast_unsigned(),
        retry_at: Timestamp(row.get(3)),
    }
}

fn open_interest(row: &Row) -> (UserId, OpenInterest) {
    let auction = AuctionId(row.get(1));
    (UserId(row.get(0)), if row.get(2) { OpenInterest::Sale(auction) } else { OpenInterest::Bids(auction) })
}
