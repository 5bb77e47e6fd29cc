//! When each open auction ends.

use auction_domain::{AuctionId, DurationMs, Timestamp};
use auction_wire::PartitionId;
use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// How long after a close was sent it is sent again, if the auction still is not closed; each time twice
/// as long, so that an outage does not fill the streams.
const AGAIN: DurationMs = DurationMs::seconds(5);

/// It is not doubled more often: 5 s · 2^6 are about five minutes.
const DOUBLINGS: u32 = 6;

/// The ends of all open auctions of the partitions that are watched.
#[derive(Debug, Default)]
pub struct ClosingSchedule {
    table: Mutex<Table>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct Table {
    auctions: HashMap<AuctionId, Planned>,
    /// By the time at which something is to be done.
    by_time: BTreeSet<(Timestamp, AuctionId)>,
}

#[derive(Clone, Copy, Debug)]
struct Planned {
    partition: PartitionId,
    ends_at: Timestamp,
    next: Timestamp,
    attempt: u32,
}

/// A close that is to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DueClose {
    /// Of which auction.
    pub auction: AuctionId,
    /// Its end.
    pub ends_at: Timestamp,
    /// How often it was sent for this end.
    pub attempt: u32,
}

impl ClosingSchedule {
    fn table(&self) -> MutexGuard<'_, Table> {
        // Whatever a panic left half done is put right when the partition is watched anew.
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A partition is watched from now on: these are its open auctions, and no others.
    pub fn begin(&self, partition: PartitionId, open: Vec<(AuctionId, Timestamp)>) {
        let mut table = self.table();
        let old: Vec<AuctionId> = table.of(partition);
        old.into_iter().for_each(|auction| table.remove(auction));
        open.into_iter().for_each(|(auction, ends_at)| table.plan(partition, auction, ends_at));
        drop(table);
        self.changed.notify_one();
    }

    /// An auction ends then.
    pub fn ends(&self, partition: PartitionId, auction: AuctionId, ends_at: Timestamp) {
        self.table().plan(partition, auction, ends_at);
        self.changed.notify_one();
    }

    /// An auction is closed or cancelled.
    pub fn is_final(&self, auction: AuctionId) {
        self.table().remove(auction);
    }

    /// When something is to be done next.
    pub fn next(&self) -> Option<Timestamp> {
        self.table().by_time.first().map(|(next, _)| *next)
    }

    /// What is to be sent by now.
    pub fn due(&self, now: Timestamp) -> Vec<DueClose> {
        let table = self.table();
        let due = table.by_time.iter().take_while(|(next, _)| *next <= now);
        due.filter_map(|(_, auction)| {
            let planned = table.auctions.get(auction)?;
            Some(DueClose { auction: *auction, ends_at: planned.ends_at, attempt: planned.attempt })
        })
        .collect()
    }

    /// It was sent.
    pub fn sent(&self, due: DueClose, now: Timestamp) {
        let mut table = self.table();
        if let Some(planned) = table.auctions.get(&due.auction).copied().filter(|p| p.ends_at == due.ends_at)
        {
            table.remove(due.auction);
            let wait = DurationMs(AGAIN.0 << due.attempt.min(DOUBLINGS));
            table.put(due.auction, Planned { next: now + wait, attempt: due.attempt + 1, ..planned });
        }
    }

    /// Resolves when something was planned that may be due before all else.
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
    fn an_auction_is_due_at_its_latest_end_and_again_until_it_is_final() {
        let schedule = ClosingSchedule::default();
        schedule.begin(P, vec![(auction(1), Timestamp(100)), (auction(2), Timestamp(200))]);
        schedule.ends(P, auction(1), Timestamp(150));
        assert_eq!(schedule.due(Timestamp(149)), vec![]);
        let first = DueClose { auction: auction(1), ends_at: Timestamp(150), attempt: 0 };
        assert_eq!(schedule.due(Timestamp(150)), vec![first]);
        schedule.sent(first, Timestamp(150));
        assert_eq!(schedule.due(Timestamp(150)), vec![]);
        let again = Timestamp(150) + AGAIN;
        assert_eq!(
            schedule.due(again).iter().find(|due| due.auction == auction(1)),
            Some(&DueClose { attempt: 1, ..first })
        );
        let second = DueClose { attempt: 1, ..first };
        schedule.sent(second, again);
        let third = again + AGAIN;
        assert!(
            !schedule.due(third).contains(&DueClose { attempt: 2, ..first }),
            "it waits longer each time"
        );
        assert!(schedule.due(third + AGAIN).contains(&DueClose { attempt: 2, ..first }));
        schedule.is_final(auction(1));
        assert!(schedule.due(again).iter().all(|due| due.auction == auction(2)));
    }

    #[test]
    fn watching_a_partition_anew_forgets_only_what_was_known_of_it() {
        let schedule = ClosingSchedule::default();
        schedule.begin(P, vec![(auction(1), Timestamp(100))]);
        schedule.begin(PartitionId(1), vec![(auction(2), Timestamp(100))]);
        schedule.begin(P, vec![]);
        assert_eq!(schedule.due(Timestamp(100)).len(), 1);
    }
}
