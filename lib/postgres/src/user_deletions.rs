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
        let rows = self.query(sql!("unfinished_deletions"), &[&bigint(limit as u64)]).await?;
        Ok(rows.iter().map(pending_deletion).collect())
    }

    async fn open_interests(&self, users: &[UserId]) -> Result<Vec<(UserId, OpenInterest)>, Unavailable> {
        let users: Vec<Uuid> = users.iter().map(|user| user.0).collect();
        let rows = self.query(sql!("open_interests"), &[&users]).await?;
        Ok(rows.iter().map(open_interest).collect())
    }

    async fn record_sent(&self, sent: &[PendingDeletion]) -> Result<(), Unavailable> {
        let sequences: Vec<i64> = sent.iter().map(|sent| bigint(sent.sequence)).collect();
        let attempts: Vec<i32> = sent.iter().map(|sent| sent.attempt.cast_signed()).collect();
        let retry_at: Vec<i64> = sent.iter().map(|sent| sent.retry_at.0).collect();
        self.query(sql!("deletions_sent"), &[&sequences, &attempts, &retry_at]).await.map(drop)
    }

    async fn mark_finished(&self, deletions: &[u64]) -> Result<(), Unavailable> {
        let sequences: Vec<i64> = deletions.iter().map(|sequence| bigint(*sequence)).collect();
        self.query(sql!("finish_deletions"), &[&sequences]).await.map(drop)
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
