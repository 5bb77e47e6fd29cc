//! The promoted auctions whose seed is not revealed yet, and when each has its next draw.

use super::{AT_ONCE, DrawInput, NOT_BEFORE_NEWS, PromotedAuction};
use auction_domain::auction::{AuctionEvent, Commitment, Status};
use auction_domain::{AuctionId, DurationMs, Timestamp};
use auction_wire::PartitionId;
use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// How long after something was sent it is sent again, if it does not show in the events; each time twice
/// as long.
const AGAIN: DurationMs = DurationMs::seconds(2);

/// It is not doubled more often: 2 s · 2^6 are about two minutes.
const DOUBLINGS: u32 = 6;

/// At most so much is due at once.
const CHUNK: usize = 200;

/// All of the partitions that are watched.
#[derive(Debug, Default)]
pub struct DrawSchedule {
    table: Mutex<Table>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct Table {
    auctions: HashMap<AuctionId, Entry>,
    /// By the time at which something is to be done.
    by_time: BTreeSet<(Timestamp, AuctionId)>,
}

#[derive(Debug)]
struct Entry {
    partition: PartitionId,
    promoted: PromotedAuction,
    next: Timestamp,
    attempt: u32,
    /// The draw that was sent and has not shown in the events, and the version that it looked at.
    sent: Option<(u64, u64)>,
}

/// What is to be sent.
#[derive(Debug)]
pub(super) enum DueDraw {
    /// A draw.
    Hold { commitment: Commitment, auction: AuctionId, look: DrawInput },
    /// The seed.
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
        // Whatever a panic left half done is put right when the partition is watched anew.
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A partition is watched from now on: these are its auctions, and no others.
    pub fn reset_partition(&self, partition: PartitionId, auctions: Vec<PromotedAuction>) {
        let mut table = self.table();
        let old = table.auctions.iter().filter(|(_, entry)| entry.partition == partition);
        let old: Vec<AuctionId> = old.map(|(auction, _)| *auction).collect();
        old.into_iter().for_each(|auction| table.remove(auction));
        auctions.into_iter().for_each(|promoted| table.insert(partition, promoted));
        drop(table);
        self.changed.notify_one();
    }

    /// Whether an auction is here.
    pub fn contains(&self, auction: AuctionId) -> bool {
        self.table().auctions.contains_key(&auction)
    }

    /// Something happened to an auction, which may be a new one: its event of that version. One that is known
    /// already is passed over.
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
            tracing::error!(%auction, version, "an event before this one was passed over: its draws are not held");
            table.remove(auction);
            return;
        }
        if let AuctionEvent::SeedRevealed { .. } = event {
            table.remove(auction);
        } else if let Some(entry) = table.auctions.get_mut(&auction) {
            entry.promoted.apply(event, at);
            if entry.is_news(event) {
                table.plan(auction, AT_ONCE);
                self.changed.notify_one();
            }
        } else if let Some(promoted) = PromotedAuction::created(auction, event, at) {
            table.insert(partition, promoted);
            self.changed.notify_one();
        }
    }

    /// When something is to be done next.
    pub(super) fn next(&self) -> Option<Timestamp> {
        self.table().by_time.first().map(|(next, _)| *next)
    }

    /// What is to be sent by now, not all of it at once. It is due again later, unless it shows.
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

    /// Resolves when something may be due earlier than it was.
    pub(super) async fn changed(&self) {
        self.changed.notified().await;
    }
}

impl Table {
    fn insert(&mut self, partition: PartitionId, promoted: PromotedAuction) {
        let auction = promoted.id();
        self.remove(auction);
        let entry = Entry { partition, promoted, next: AT_ONCE, attempt: 0, sent: None };
        self.auctions.insert(auction, entry);
        self.by_time.insert((AT_ONCE, auction));
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
    /// Whether it has to be thought over what is to be done for the auction, and when.
    fn is_news(&mut self, event: &AuctionEvent) -> bool {
        match event {
            AuctionEvent::DrawHeld(_)
            | AuctionEvent::DrawsMissed { .. }
            | AuctionEvent::AuctionExtended { .. }
            | AuctionEvent::AuctionEnded { .. }
            | AuctionEvent::AuctionCancelled
            | AuctionEvent::WinnerAnnounced(_)
            | AuctionEvent::AuctionClosedUnsold { .. } => {
                (self.attempt, self.sent) = (0, None);
                true
            }
            // A bid that was given before the draw was due, and decided after it was sent.
            _ => self.sent.is_some_and(|(number, version)| self.promoted.version_for(number) != version),
        }
    }

    /// It is sent now: when to send it again.
    fn again(&mut self, now: Timestamp) -> Timestamp {
        let wait = DurationMs(AGAIN.0 << self.attempt.min(DOUBLINGS));
        self.attempt += 1;
        now + wait
    }

    /// What is due by now, and when to look again.
    fn due(&mut self, now: Timestamp) -> (Option<DueDraw>, Timestamp) {
        let (auction, terms) = (self.promoted.auction(), self.promoted.auction().terms());
        let Some(promotion) = terms.promotion else { return (None, NOT_BEFORE_NEWS) };
        let (commitment, id) = (promotion.commitment, self.promoted.id());
        if auction.status() != Status::Open {
            return (Some(DueDraw::Reveal { commitment, auction: id }), self.again(now));
        }
        if now >= auction.ends_at() {
            return (None, NOT_BEFORE_NEWS);
        }
        let due = terms.draws_due(now);
        let following = terms.draw_due_at(due + 1);
        if due <= auction.draws().recorded {
            return (None, following);
        }
        let look = self.promoted.draw_input(due);
        let sending = Some((due, look.at_version));
        if self.sent != sending {
            (self.attempt, self.sent) = (0, sending);
        }
        let again = self.again(now);
        (Some(DueDraw::Hold { commitment, auction: id, look }), again.min(following))
    }
}

#[cfg(test)]
mod tests;
