//! Progress of user deletions: deletions, bars and open interests of deleted users.

use crate::inline_projections::bigint;
use crate::queries::PostgresQueries;
use auction_app::ports::Unavailable;
use auction_app::ports::people::user_deletions::{Bar, OpenInterest, PendingDeletion, UserDeletions};
use auction_domain::{AuctionId, Timestamp, UserId};
use auction_wire::PartitionId;
use tokio_postgres::Row;
use uuid::Uuid;

impl UserDeletions for PostgresQueries {
    async fn unfinished(&self, limit: usize) -> Result<Vec<PendingDeletion>, Unavailable> {
        let rows = self.query(sql!("unfinished_deletions"), &[&bigint(limit as u64)]).await?;
        Ok(rows.iter().map(pending_deletion).collect())
    }

    async fn bars(&self, users: &[UserId]) -> Result<Vec<Bar>, Unavailable> {
        let rows = self.query(sql!("bars"), &[&ids(users)]).await?;
        Ok(rows.iter().map(bar).collect())
    }

    async fn open_interests(
        &self,
        barred: &[(PartitionId, UserId)],
    ) -> Result<Vec<(PartitionId, UserId, OpenInterest)>, Unavailable> {
        let (partitions, users) = columns(barred);
        let rows = self.query(sql!("open_interests"), &[&partitions, &users]).await?;
        Ok(rows.iter().map(open_interest).collect())
    }

    async fn record_attempts(&self, sent: &[PendingDeletion]) -> Result<(), Unavailable> {
        let users: Vec<Uuid> = sent.iter().map(|sent| sent.user.0).collect();
        let attempts: Vec<i32> = sent.iter().map(|sent| sent.attempt.cast_signed()).collect();
        let retry_at: Vec<i64> = sent.iter().map(|sent| sent.retry_at.0).collect();
        self.query(sql!("deletions_processed"), &[&users, &attempts, &retry_at]).await.map(drop)
    }

    async fn record_removals_sent(&self, sent: &[Bar]) -> Result<(), Unavailable> {
        let bars: Vec<(PartitionId, UserId)> = sent.iter().map(|sent| (sent.partition, sent.user)).collect();
        let (partitions, users) = columns(&bars);
        let attempts: Vec<i32> = sent.iter().map(|sent| sent.attempt.cast_signed()).collect();
        let retry_at: Vec<i64> = sent.iter().map(|sent| sent.retry_at.0).collect();
        self.query(sql!("removals_sent"), &[&partitions, &users, &attempts, &retry_at]).await.map(drop)
    }

    async fn finish_bars(&self, bars: &[(PartitionId, UserId)]) -> Result<(), Unavailable> {
        let (partitions, users) = columns(bars);
        self.query(sql!("finish_bars"), &[&partitions, &users]).await.map(drop)
    }

    async fn finish(&self, users: &[UserId]) -> Result<(), Unavailable> {
        self.query(sql!("finish_deletions"), &[&ids(users)]).await.map(drop)
    }
}

fn ids(users: &[UserId]) -> Vec<Uuid> {
    users.iter().map(|user| user.0).collect()
}

fn columns(bars: &[(PartitionId, UserId)]) -> (Vec<i16>, Vec<Uuid>) {
    bars.iter().map(|(partition, user)| (partition.0.cast_signed(), user.0)).unzip()
}

fn pending_deletion(row: &Row) -> PendingDeletion {
    let attempt: i32 = row.get(1);
    PendingDeletion {
        user: UserId(row.get(0)),
        attempt: attempt.cast_unsigned(),
        retry_at: Timestamp(row.get(2)),
    }
}

fn bar(row: &Row) -> Bar {
    let (partition, attempt): (i16, i32) = (row.get(0), row.get(2));
    Bar {
        partition: PartitionId(partition.cast_unsigned()),
        user: UserId(row.get(1)),
        attempt: attempt.cast_unsigned(),
        retry_at: Timestamp(row.get(3)),
        finished: row.get(4),
    }
}

fn open_interest(row: &Row) -> (PartitionId, UserId, OpenInterest) {
    let (partition, auction): (i16, Uuid) = (row.get(0), row.get(2));
    let auction = AuctionId(auction);
    let interest = if row.get(3) { OpenInterest::Sale(auction) } else { OpenInterest::Bids(auction) };
    (PartitionId(partition.cast_unsigned()), UserId(row.get(1)), interest)
}
