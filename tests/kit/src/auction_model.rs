//! Checks that every auction followed the rules, with a simple model of its events: one list of bids, sorted
//! for each query. Every bid must have been allowed, and the announced result must be the right one.

use auction_domain::auction::{AuctionEvent, Terms, UnsoldReason, Winner};
use auction_domain::{BidId, Timestamp, UserId};
use auction_wire::{Event, EventRecord};
use std::collections::BTreeMap;
use uuid::Uuid;

/// Counts of the events that were checked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ModelSummary {
    pub auctions: u64,
    /// Auctions closed with a winner.
    pub sold: u64,
    /// Auctions closed without a winner.
    pub unsold: u64,
    pub bids: u64,
    pub doubled: u64,
    /// Draws that were held, whether or not they selected a bid.
    pub draws: u64,
}

struct Bid {
    id: BidId,
    bidder: UserId,
    face_amount: u64,
    doubled: bool,
    active: bool,
    /// Version at which the bid reached its effective amount.
    reached_at: u64,
}

impl Bid {
    fn effective_amount(&self) -> u64 {
        if self.doubled { 2 * self.face_amount } else { self.face_amount }
    }
}

struct Auction {
    terms: Terms,
    ends_at: Timestamp,
    version: u64,
    bids: Vec<Bid>,
    /// Number of the last draw, held or missed.
    draws: u64,
    doubled_in: Option<u64>,
    is_final: bool,
}

/// Checks all events. `events` holds the events of all partitions, each partition in order. Panics at the
/// first event that breaks a rule.
pub fn assert_follows_rules(events: &[EventRecord]) -> ModelSummary {
    let mut auctions: BTreeMap<Uuid, Auction> = BTreeMap::new();
    let mut found = ModelSummary::default();
    for record in events {
        let Event::Auction(event) = record.event().unwrap() else { continue };
        let what = format!("auction {} version {}: {event:?}", record.key, record.version);
        if let AuctionEvent::AuctionCreated { terms, .. } = event {
            assert_eq!(record.version, 1, "{what}");
            let before = auctions.insert(record.key, Auction::new(terms));
            assert!(before.is_none(), "{what}: twice");
            found.auctions += 1;
            continue;
        }
        let auction = auctions.get_mut(&record.key).expect(&what);
        auction.version += 1;
        assert_eq!(record.version, auction.version, "{what}: versions have a gap or repeat");
        auction.apply(&event, record.at, &what, &mut found);
    }
    found
}

impl Auction {
    fn new(terms: Terms) -> Auction {
        let ends_at = terms.ends_at;
        let (bids, version, draws) = (Vec::new(), 1, 0);
        Auction { terms, ends_at, version, bids, draws, doubled_in: None, is_final: false }
    }

    fn apply(&mut self, event: &AuctionEvent, at: Timestamp, what: &str, found: &mut ModelSummary) {
        let is_reveal = matches!(event, AuctionEvent::SeedRevealed { .. } | AuctionEvent::DrawsMissed { .. });
        assert!(!self.is_final || is_reveal, "{what}: the auction is final");
        match event {
            AuctionEvent::AuctionCreated { .. } => panic!("{what}: twice"),
            AuctionEvent::BidPlaced { bid, bidder, amount } => {
                self.place(*bid, *bidder, amount.minor_units(), at, what);
                found.bids += 1;
            }
            AuctionEvent::BidDeleted { bid, bidder } => {
                assert!(self.is_open(at), "{what}: the auction is not open");
                self.remove_bid(*bid, *bidder, what);
            }
            AuctionEvent::BidVoided { bid, bidder, .. } => self.remove_bid(*bid, *bidder, what),
            AuctionEvent::BidsRetracted { bidder, bids } => {
                bids.iter().for_each(|bid| self.remove_bid(*bid, *bidder, what));
            }
            AuctionEvent::BidDoubled { bid, effective, .. } => {
                self.double(*bid, effective.minor_units(), what);
                found.doubled += 1;
            }
            AuctionEvent::DrawHeld(draw) => {
                assert_eq!(draw.number, self.draws + 1, "{what}: draw numbers are consecutive");
                assert!(at >= self.terms.draw_due_at(draw.number), "{what}: the draw is too early");
                self.draws = draw.number;
                found.draws += 1;
            }
            AuctionEvent::DrawsMissed { first, last } => {
                assert_eq!(*first, self.draws + 1, "{what}");
                self.draws = *last;
            }
            AuctionEvent::SeedRevealed { .. } => assert!(self.is_final, "{what}: the auction is not final"),
            AuctionEvent::AuctionExtended { ends_at } => {
                assert!(*ends_at > self.ends_at && at < self.ends_at, "{what}");
                self.ends_at = *ends_at;
            }
            AuctionEvent::AuctionEnded { ends_at, .. } => self.ends_at = *ends_at,
            AuctionEvent::AuctionCancelled { .. } => self.is_final = true,
            AuctionEvent::WinnerAnnounced(winner) => {
                assert_eq!(self.result(at, what), Ok(*winner), "{what}");
                found.sold += 1;
            }
            AuctionEvent::AuctionClosedUnsold { reason } => {
                assert_eq!(self.result(at, what), Err(*reason), "{what}");
                found.unsold += 1;
            }
        }
    }

    fn is_open(&self, at: Timestamp) -> bool {
        (self.terms.starts_at..self.ends_at).contains(&at)
    }

    fn active(&self) -> impl Iterator<Item = &Bid> {
        self.bids.iter().filter(|bid| bid.active)
    }

    fn place(&mut self, id: BidId, bidder: UserId, face_amount: u64, at: Timestamp, what: &str) {
        assert!(self.is_open(at), "{what}: the auction is not open");
        assert!(self.terms.seller != Some(bidder), "{what}: the seller bids");
        assert!(self.bids.iter().all(|bid| bid.id != id), "{what}: twice");
        assert!(face_amount >= self.terms.opening_bid.minor_units(), "{what}: below the opening bid");
        let latest = self.active().filter(|bid| bid.bidder == bidder).last().map_or(0, |bid| bid.face_amount);
        assert!(face_amount > latest, "{what}: not above the bidder's latest bid, {latest}");
        self.bids.push(Bid {
            id,
            bidder,
            face_amount,
            doubled: false,
            active: true,
            reached_at: self.version,
        });
    }

    fn find(&mut self, id: BidId, what: &str) -> &mut Bid {
        self.bids.iter_mut().find(|bid| bid.id == id && bid.active).expect(what)
    }

    fn remove_bid(&mut self, id: BidId, bidder: UserId, what: &str) {
        let bid = self.find(id, what);
        assert_eq!(bid.bidder, bidder, "{what}: another bidder's bid");
        bid.active = false;
    }

    fn double(&mut self, id: BidId, effective: u64, what: &str) {
        let (draws, version) = (self.draws, self.version);
        let promoted = self.terms.promotion.is_some();
        let bid = self.find(id, what);
        assert!(!bid.doubled, "{what}: twice");
        (bid.doubled, bid.reached_at) = (true, version);
        assert_eq!(bid.effective_amount(), effective, "{what}");
        if promoted {
            assert!(self.doubled_in != Some(draws), "{what}: two doubled bids in interval {draws}");
            self.doubled_in = Some(draws);
        }
    }

    fn result(&mut self, at: Timestamp, what: &str) -> Result<Winner, UnsoldReason> {
        assert!(at >= self.ends_at, "{what}: before the end, {:?}", self.ends_at);
        self.is_final = true;
        let mut ranking: Vec<&Bid> = self.active().collect();
        ranking.sort_by_key(|bid| (std::cmp::Reverse(bid.effective_amount()), bid.reached_at));
        let best = ranking.first().ok_or(UnsoldReason::NoBids)?;
        if self.terms.reserve.is_some_and(|reserve| best.effective_amount() < reserve.minor_units()) {
            return Err(UnsoldReason::ReserveNotMet);
        }
        let amount = crate::fixtures::amount;
        let (pays, effective) = (amount(best.face_amount), amount(best.effective_amount()));
        Ok(Winner { bid: best.id, bidder: best.bidder, price: pays, effective })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{self, amount};
    use auction_wire::CommandId;

    /// Returns an auction with two bids, followed by events after its end.
    fn auction(then: Vec<AuctionEvent>) -> Vec<EventRecord> {
        let begin = [fixtures::auction_created(None), bid(1, 150), bid(2, 140)];
        let events = begin.into_iter().chain(then.into_iter().map(Event::Auction));
        let record = |(n, event)| {
            let n = n as u64 + 1;
            let record = fixtures::record(n, Uuid::nil(), n, &event, CommandId(Uuid::nil()));
            EventRecord { at: if n <= 3 { fixtures::AT } else { fixtures::END }, ..record }
        };
        events.enumerate().map(record).collect()
    }

    /// Bid and bidder have the same number.
    fn bid(n: u128, face_amount: u64) -> Event {
        fixtures::bid_placed(BidId(Uuid::from_u128(n)), UserId(Uuid::from_u128(n)), face_amount)
    }

    fn won_by(n: u128, face_amount: u64) -> AuctionEvent {
        AuctionEvent::WinnerAnnounced(Winner {
            bid: BidId(Uuid::from_u128(n)),
            bidder: UserId(Uuid::from_u128(n)),
            price: amount(face_amount),
            effective: amount(face_amount),
        })
    }

    fn doubled(n: u128, effective: u64) -> AuctionEvent {
        let (bid, bidder) = (BidId(Uuid::from_u128(n)), UserId(Uuid::from_u128(n)));
        AuctionEvent::BidDoubled { bid, bidder, effective: amount(effective) }
    }

    #[test]
    fn model_counts_valid_events() {
        let found = assert_follows_rules(&auction(vec![won_by(1, 150)]));
        assert_eq!(found, ModelSummary { auctions: 1, sold: 1, bids: 2, ..ModelSummary::default() });
    }

    #[test]
    #[should_panic(expected = "WinnerAnnounced")]
    fn model_detects_a_wrong_winner() {
        assert_follows_rules(&auction(vec![won_by(2, 140)]));
    }

    #[test]
    #[should_panic(expected = "WinnerAnnounced")]
    fn model_detects_an_ignored_doubled_bid() {
        assert_follows_rules(&auction(vec![doubled(2, 280), won_by(1, 150)]));
    }

    #[test]
    #[should_panic(expected = "the auction is final")]
    fn model_detects_a_second_result() {
        assert_follows_rules(&auction(vec![won_by(1, 150), won_by(1, 150)]));
    }

    #[test]
    #[should_panic(expected = "not above the bidder's latest bid, 150")]
    fn model_detects_a_bid_below_the_bidders_own() {
        let bid = AuctionEvent::BidPlaced {
            bid: BidId(Uuid::from_u128(3)),
            bidder: UserId(Uuid::from_u128(1)),
            amount: amount(150),
        };
        let mut events = auction(vec![bid]);
        events[3].at = fixtures::AT;
        assert_follows_rules(&events);
    }

    #[test]
    #[should_panic(expected = "twice")]
    fn model_detects_a_bid_doubled_twice() {
        assert_follows_rules(&auction(vec![doubled(2, 280), doubled(2, 280)]));
    }
}
