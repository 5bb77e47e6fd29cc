//! Schedule of draws and seed reveals.

use super::{AFTER_NEXT_EVENT, DrawInput, IMMEDIATELY, PromotedAuction};
use auction_domain::auction::{AuctionEvent, Commitment, Status};
use auction_domain::{AuctionId, DurationMs, Timestamp};
use auction_wire::PartitionId;
use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// Time after which a command without an effect in the events is sent again. It doubles with each attempt.
const RETRY_AFTER: DurationMs = DurationMs::seconds(2);

/// Maximum number of doublings: 2 s · 2^6 is about two minutes.
const MAX_DOUBLINGS: u32 = 6;

/// Maximum number of entries that are due at once.
const CHUNK: usize = 200;

/// Promoted auctions with unrevealed seeds, of the partitions that this process owns.
#[derive(Debug, Default)]
pub struct DrawSchedule {
    table: Mutex<Table>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct Table {
    auctions: HashMap<AuctionId, Entry>,
    /// Auctions, ordered by the time of their next draw or reveal.
    by_time: BTreeSet<(Timestamp, AuctionId)>,
}

#[derive(Debug)]
struct Entry {
    partition: PartitionId,
    promoted: PromotedAuction,
    next: Timestamp,
    attempt: u32,
    /// Number and input version of the draw that was sent and is not in the events yet.
    sent: Option<(u64, u64)>,
}

/// Draw or seed reveal that is due.
#[derive(Debug)]
pub(super) enum DueDraw {
    Hold { commitment: Commitment, auction: AuctionId, input: DrawInput },
    Reveal { commitment: Commitment, auction: AuctionId },
}

impl DueDraw {
    pub(super) fn auction(&self) -> AuctionId {
        let (DueDraw::Hold { auction, .. } | DueDraw::Reveal { auction, .. }) = self;
        *auction
    }

    pub(super) fn commitment(&self) -> Commitment {
        let (DueDraw::Hold { commitment, .. } | DueDraw::Reveal { commitment, .. }) = self;
        *commitment
    }
}

impl DrawSchedule {
    fn table(&self) -> MutexGuard<'_, Table> {
        // An inconsistency left by a panic is repaired when the partition is reset.
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Replaces the auctions of a partition.
    pub fn reset_partition(&self, partition: PartitionId, auctions: Vec<PromotedAuction>) {
        let mut table = self.table();
        let old = table.auctions.iter().filter(|(_, entry)| entry.partition == partition);
        let old: Vec<AuctionId> = old.map(|(auction, _)| *auction).collect();
        old.into_iter().for_each(|auction| table.remove(auction));
        auctions.into_iter().for_each(|promoted| table.insert(partition, promoted));
        drop(table);
        self.changed.notify_one();
    }

    /// Returns whether the schedule contains an auction.
    pub fn contains(&self, auction: AuctionId) -> bool {
        self.table().auctions.contains_key(&auction)
    }

    /// Applies the event of an auction with this version. Ignores an event that was applied before. A new
    /// promoted auction is added.
    pub fn apply(
        &self,
        partition: PartitionId,
        auction: AuctionId,
        event: &AuctionEvent,
        version: u64,
        at: Timestamp,
    ) {
        let mut table = self.table();
        let known = table.auctions.get(&auction).map(|entry| entry.promoted.auction().version());
        if known.is_some_and(|known| version <= known) {
            return;
        }
        if known.is_some_and(|known| version > known + 1) {
            tracing::error!(%auction, version, "draws of an auction disabled: an earlier event is missing");
            table.remove(auction);
            return;
        }
        if let AuctionEvent::SeedRevealed { .. } = event {
            table.remove(auction);
        } else if let Some(entry) = table.auctions.get_mut(&auction) {
            entry.promoted.apply(event, at);
            if entry.affects_schedule(event) {
                table.plan(auction, IMMEDIATELY);
                self.changed.notify_one();
            }
        } else if let Some(promoted) = PromotedAuction::created(auction, event, at) {
            table.insert(partition, promoted);
            self.changed.notify_one();
        }
    }

    /// Returns the time of the next draw or reveal.
    pub(super) fn next(&self) -> Option<Timestamp> {
        self.table().by_time.first().map(|(next, _)| *next)
    }

    /// Returns the draws and reveals that are due, at most [`CHUNK`], and schedules their retries.
    pub(super) fn due(&self, now: Timestamp) -> Vec<DueDraw> {
        let mut table = self.table();
        let due = table.by_time.iter().take_while(|(next, _)| *next <= now).take(CHUNK);
        let auctions: Vec<AuctionId> = due.map(|(_, auction)| *auction).collect();
        let mut found = Vec::new();
        for auction in auctions {
            let Some(entry) = table.auctions.get_mut(&auction) else { continue };
            let (due, next) = entry.due(now);
            found.extend(due);
            table.plan(auction, next);
        }
        found
    }

    /// Plans every entry again, because the clock that they were planned by went back.
    pub(super) fn replan(&self) {
        let mut table = self.table();
        let auctions: Vec<AuctionId> = table.auctions.keys().copied().collect();
        auctions.into_iter().for_each(|auction| table.plan(auction, IMMEDIATELY));
    }

    /// Waits until an entry may be due earlier than before.
    pub(super) async fn changed(&self) {
        self.changed.notified().await;
    }
}

impl Table {
    fn insert(&mut self, partition: PartitionId, promoted: PromotedAuction) {
        let auction = promoted.id();
        self.remove(auction);
        let entry = Entry { partition, promoted, next: IMMEDIATELY, attempt: 0, sent: None };
        self.auctions.insert(auction, entry);
        self.by_time.insert((IMMEDIATELY, auction));
    }

    fn remove(&mut self, auction: AuctionId) {
        if let Some(entry) = self.auctions.remove(&auction) {
            self.by_time.remove(&(entry.next, auction));
        }
    }

    fn plan(&mut self, auction: AuctionId, next: Timestamp) {
        let Some(entry) = self.auctions.get_mut(&auction) else { return };
        self.by_time.remove(&(entry.next, auction));
        entry.next = next;
        self.by_time.insert((next, auction));
    }
}

impl Entry {
    /// Returns whether an event changes what is due for the auction, and when.
    fn affects_schedule(&mut self, event: &AuctionEvent) -> bool {
        let is_recorded = matches!(event, AuctionEvent::DrawHeld(_) | AuctionEvent::DrawsMissed { .. });
        if is_recorded || event.ends_at().is_some() || event.final_status().is_some() {
            (self.attempt, self.sent) = (0, None);
            return true;
        }
        // A bid from before the draw was due that was decided after the draw was sent.
        self.sent.is_some_and(|(number, version)| self.promoted.version_for(number) != version)
    }

    /// Counts an attempt, and returns the time of the next one.
    fn next_attempt(&mut self, now: Timestamp) -> Timestamp {
        let wait = DurationMs(RETRY_AFTER.0 << self.attempt.min(MAX_DOUBLINGS));
        self.attempt += 1;
        now + wait
    }

    /// Returns what is due, and the time of the next check.
    fn due(&mut self, now: Timestamp) -> (Option<DueDraw>, Timestamp) {
        let (auction, terms) = (self.promoted.auction(), self.promoted.auction().terms());
        let Some(promotion) = terms.promotion else { return (None, AFTER_NEXT_EVENT) };
        let (commitment, id) = (promotion.commitment, self.promoted.id());
        if auction.status() != Status::Open {
            return (Some(DueDraw::Reveal { commitment, auction: id }), self.next_attempt(now));
        }
        if now >= auction.ends_at() {
            return (None, AFTER_NEXT_EVENT);
        }
        let due = terms.draws_due(now);
        let following = terms.draw_due_at(due + 1);
        if due <= auction.draws().recorded {
            return (None, following);
        }
        let input = self.promoted.draw_input(due);
        let sending = Some((due, input.at_version));
        if self.sent != sending {
            (self.attempt, self.sent) = (0, sending);
        }
        let retry_at = self.next_attempt(now);
        (Some(DueDraw::Hold { commitment, auction: id, input }), retry_at.min(following))
    }
}

#[cfg(test)]
mod tests;
