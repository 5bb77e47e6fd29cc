//! Schedule of auction closes.

use auction_domain::{AuctionId, DurationMs, Timestamp};
use auction_wire::PartitionId;
use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// Time after which a close is sent again if the auction is not closed. It doubles with each attempt, so that
/// an outage does not fill the streams.
const RETRY_AFTER: DurationMs = DurationMs::seconds(5);

/// Maximum number of doublings: 5 s · 2^6 is about five minutes.
const MAX_DOUBLINGS: u32 = 6;

/// End times of all open auctions of the partitions that this process owns.
#[derive(Debug, Default)]
pub struct ClosingSchedule {
    table: Mutex<Table>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct Table {
    auctions: HashMap<AuctionId, Planned>,
    /// Auctions, ordered by the time of the next close.
    by_time: BTreeSet<(Timestamp, AuctionId)>,
}

#[derive(Clone, Copy, Debug)]
struct Planned {
    partition: PartitionId,
    ends_at: Timestamp,
    next: Timestamp,
    attempt: u32,
}

/// Close command that is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DueClose {
    pub auction: AuctionId,
    pub ends_at: Timestamp,
    /// How often a close was sent for this end time.
    pub attempt: u32,
}

impl ClosingSchedule {
    fn table(&self) -> MutexGuard<'_, Table> {
        // An inconsistency left by a panic is repaired when the partition is reset.
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Replaces the auctions of a partition.
    pub fn reset_partition(&self, partition: PartitionId, open: Vec<(AuctionId, Timestamp)>) {
        let mut table = self.table();
        let old: Vec<AuctionId> = table.of(partition);
        old.into_iter().for_each(|auction| table.remove(auction));
        open.into_iter().for_each(|(auction, ends_at)| table.plan(partition, auction, ends_at));
        drop(table);
        self.changed.notify_one();
    }

    /// Sets the end time of an auction.
    pub fn set_end(&self, partition: PartitionId, auction: AuctionId, ends_at: Timestamp) {
        self.table().plan(partition, auction, ends_at);
        self.changed.notify_one();
    }

    /// Removes an auction that is closed or cancelled.
    pub fn remove(&self, auction: AuctionId) {
        self.table().remove(auction);
    }

    /// Returns the time of the next close.
    pub fn next(&self) -> Option<Timestamp> {
        self.table().by_time.first().map(|(next, _)| *next)
    }

    /// Returns the closes that are due.
    pub fn due(&self, now: Timestamp) -> Vec<DueClose> {
        let table = self.table();
        let due = table.by_time.iter().take_while(|(next, _)| *next <= now);
        due.filter_map(|(_, auction)| {
            let planned = table.auctions.get(auction)?;
            Some(DueClose { auction: *auction, ends_at: planned.ends_at, attempt: planned.attempt })
        })
        .collect()
    }

    /// Schedules the next attempt of a close that was sent.
    pub fn mark_sent(&self, due: DueClose, now: Timestamp) {
        let mut table = self.table();
        if let Some(planned) = table.auctions.get(&due.auction).copied().filter(|p| p.ends_at == due.ends_at)
        {
            table.remove(due.auction);
            let wait = DurationMs(RETRY_AFTER.0 << due.attempt.min(MAX_DOUBLINGS));
            table.put(due.auction, Planned { next: now + wait, attempt: due.attempt + 1, ..planned });
        }
    }

    /// Plans every close at the end of its auction. The times of retries are void, because the clock that they
    /// were planned by went back.
    pub fn replan(&self) {
        let mut table = self.table();
        let planned: Vec<(AuctionId, Planned)> =
            table.auctions.iter().map(|(auction, planned)| (*auction, *planned)).collect();
        for (auction, planned) in planned {
            table.remove(auction);
            table.put(auction, Planned { next: planned.ends_at, ..planned });
        }
    }

    /// Waits until a close was scheduled that may be the next one.
    pub async fn changed(&self) {
        self.changed.notified().await;
    }
}

impl Table {
    fn of(&self, partition: PartitionId) -> Vec<AuctionId> {
        let here = self.auctions.iter().filter(|(_, planned)| planned.partition == partition);
        here.map(|(auction, _)| *auction).collect()
    }

    fn plan(&mut self, partition: PartitionId, auction: AuctionId, ends_at: Timestamp) {
        self.remove(auction);
        self.put(auction, Planned { partition, ends_at, next: ends_at, attempt: 0 });
    }

    fn put(&mut self, auction: AuctionId, planned: Planned) {
        self.by_time.insert((planned.next, auction));
        self.auctions.insert(auction, planned);
    }

    fn remove(&mut self, auction: AuctionId) {
        if let Some(planned) = self.auctions.remove(&auction) {
            self.by_time.remove(&(planned.next, auction));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    const P: PartitionId = PartitionId(0);

    fn auction(n: u128) -> AuctionId {
        AuctionId(Uuid::from_u128(n))
    }

    #[test]
    fn close_is_due_at_the_latest_end_until_the_auction_is_final() {
        let schedule = ClosingSchedule::default();
        schedule.reset_partition(P, vec![(auction(1), Timestamp(100)), (auction(2), Timestamp(200))]);
        schedule.set_end(P, auction(1), Timestamp(150));
        assert_eq!(schedule.due(Timestamp(149)), vec![]);
        let first = DueClose { auction: auction(1), ends_at: Timestamp(150), attempt: 0 };
        assert_eq!(schedule.due(Timestamp(150)), vec![first]);
        schedule.mark_sent(first, Timestamp(150));
        assert_eq!(schedule.due(Timestamp(150)), vec![]);
        let again = Timestamp(150) + RETRY_AFTER;
        assert_eq!(
            schedule.due(again).iter().find(|due| due.auction == auction(1)),
            Some(&DueClose { attempt: 1, ..first })
        );
        let second = DueClose { attempt: 1, ..first };
        schedule.mark_sent(second, again);
        let third = again + RETRY_AFTER;
        assert!(!schedule.due(third).contains(&DueClose { attempt: 2, ..first }), "the wait doubles");
        assert!(schedule.due(third + RETRY_AFTER).contains(&DueClose { attempt: 2, ..first }));
        schedule.remove(auction(1));
        assert!(schedule.due(again).iter().all(|due| due.auction == auction(2)));
    }

    #[test]
    fn resetting_a_partition_keeps_other_partitions() {
        let schedule = ClosingSchedule::default();
        schedule.reset_partition(P, vec![(auction(1), Timestamp(100))]);
        schedule.reset_partition(PartitionId(1), vec![(auction(2), Timestamp(100))]);
        schedule.reset_partition(P, vec![]);
        assert_eq!(schedule.due(Timestamp(100)).len(), 1);
    }
}
