//! Whether every auction went by the rules, by a plain model of its events: one list of bids, sorted anew
//! whenever somebody asks. Every bid must have been a legal one, and the winner announced must be the one.

use auction_domain::auction::{AuctionEvent, Terms, Unsold, Winner};
use auction_domain::{BidId, Timestamp, UserId};
use auction_wire::{Event, EventRecord};
use std::collections::BTreeMap;
use uuid::Uuid;

/// What was found in events that all went by the rules.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ModelSummary {
    /// Auctions.
    pub auctions: u64,
    /// Those with a winner.
    pub sold: u64,
    /// Those that were closed without one.
    pub unsold: u64,
    /// Bids that were placed.
    pub bids: u64,
    /// Bids that were doubled.
    pub doubled: u64,
    /// Draws that were held, whether or not anybody was drawn.
    pub draws: u64,
}

struct Bid {
    id: BidId,
    bidder: UserId,
    face: u64,
    doubled: bool,
    live: bool,
    /// The version at which it reached what it counts for.
    since: u64,
}

impl Bid {
    fn counts_for(&self) -> u64 {
        if self.doubled { 2 * self.face } else { self.face }
    }
}

struct Auction {
    terms: Terms,
    ends_at: Timestamp,
    version: u64,
    bids: Vec<Bid>,
    /// Draws on record, held or missed.
    draws: u64,
    doubled_in: Option<u64>,
    is_final: bool,
}

/// All events, of all partitions, in the order of each. Panics at the first that should not be there.
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
        assert_eq!(record.version, auction.version, "{what}: no holes and no repeats");
        auction.happen(&event, record.at, &what, &mut found);
    }
    found
}

impl Auction {
    fn new(terms: Terms) -> Auction {
        let ends_at = terms.ends_at;
        let (bids, version, draws) = (Vec::new(), 1, 0);
        Auction { terms, ends_at, version, bids, draws, doubled_in: None, is_final: false }
    }

    fn happen(&mut self, event: &AuctionEvent, at: Timestamp, what: &str, found: &mut ModelSummary) {
        let is_reveal = matches!(event, AuctionEvent::SeedRevealed { .. } | AuctionEvent::DrawsMissed { .. });
        assert!(!self.is_final || is_reveal, "{what}: it is final");
        match event {
            AuctionEvent::AuctionCreated { .. } => panic!("{what}: twice"),
            AuctionEvent::BidPlaced { bid, bidder, amount } => {
                self.place(*bid, *bidder, amount.minor_units(), at, what);
                found.bids += 1;
            }
            AuctionEvent::BidDeleted { bid, bidder } => {
                assert!(self.is_open(at), "{what}: it is not open");
                self.take_out(*bid, *bidder, what);
            }
            AuctionEvent::BidVoided { bid, bidder, .. } => self.take_out(*bid, *bidder, what),
            AuctionEvent::BidsRetracted { bidder, bids } => {
                bids.iter().for_each(|bid| self.take_out(*bid, *bidder, what));
            }
            AuctionEvent::BidDoubled { bid, effective, .. } => {
                self.double(*bid, effective.minor_units(), what);
                found.doubled += 1;
            }
            AuctionEvent::DrawHeld(draw) => {
                assert_eq!(draw.number, self.draws + 1, "{what}: one draw of each number");
                assert!(at >= self.terms.draw_due_at(draw.number), "{what}: too early");
                self.draws = draw.number;
                found.draws += 1;
            }
            AuctionEvent::DrawsMissed { first, last } => {
                assert_eq!(*first, self.draws + 1, "{what}");
                self.draws = *last;
            }
            AuctionEvent::SeedRevealed { .. } => assert!(self.is_final, "{what}: while it goes on"),
            AuctionEvent::AuctionExtended { ends_at } => {
                assert!(*ends_at > self.ends_at && at < self.ends_at, "{what}");
                self.ends_at = *ends_at;
            }
            AuctionEvent::AuctionEnded { ends_at } => self.ends_at = *ends_at,
            AuctionEvent::AuctionCancelled => self.is_final = true,
            AuctionEvent::WinnerAnnounced(winner) => {
                assert_eq!(self.result(at, what), Ok(*winner), "{what}");
                found.sold += 1;
            }
            AuctionEvent::AuctionClosedUnsold { because } => {
                assert_eq!(self.result(at, what), Err(*because), "{what}");
                found.unsold += 1;
            }
        }
    }

    fn is_open(&self, at: Timestamp) -> bool {
        (self.terms.starts_at..self.ends_at).contains(&at)
    }

    fn live(&self) -> impl Iterator<Item = &Bid> {
        self.bids.iter().filter(|bid| bid.live)
    }

    fn place(&mut self, id: BidId, bidder: UserId, face: u64, at: Timestamp, what: &str) {
        assert!(self.is_open(at), "{what}: it is not open");
        assert!(self.terms.seller != Some(bidder), "{what}: the seller");
        assert!(self.bids.iter().all(|bid| bid.id != id), "{what}: twice");
        assert!(face >= self.terms.opening_bid.minor_units(), "{what}: below the opening bid");
        let latest = self.live().filter(|bid| bid.bidder == bidder).last().map_or(0, |bid| bid.face);
        assert!(face > latest, "{what}: not above his own latest, {latest}");
        self.bids.push(Bid { id, bidder, face, doubled: false, live: true, since: self.version });
    }

    fn find(&mut self, id: BidId, what: &str) -> &mut Bid {
        self.bids.iter_mut().find(|bid| bid.id == id && bid.live).expect(what)
    }

    fn take_out(&mut self, id: BidId, bidder: UserId, what: &str) {
        let bid = self.find(id, what);
        assert_eq!(bid.bidder, bidder, "{what}: somebody else's");
        bid.live = false;
    }

    fn double(&mut self, id: BidId, effective: u64, what: &str) {
        let (draws, version) = (self.draws, self.version);
        let promoted = self.terms.promotion.is_some();
        let bid = self.find(id, what);
        assert!(!bid.doubled, "{what}: twice");
        (bid.doubled, bid.since) = (true, version);
        assert_eq!(bid.counts_for(), effective, "{what}");
        if promoted {
            assert!(self.doubled_in != Some(draws), "{what}: two in interval {draws}");
            self.doubled_in = Some(draws);
        }
    }

    fn result(&mut self, at: Timestamp, what: &str) -> Result<Winner, Unsold> {
        assert!(at >= self.ends_at, "{what}: before its end, {:?}", self.ends_at);
        self.is_final = true;
        let mut standing: Vec<&Bid> = self.live().collect();
        standing.sort_by_key(|bid| (std::cmp::Reverse(bid.counts_for()), bid.since));
        let best = standing.first().ok_or(Unsold::NoBids)?;
        if self.terms.reserve.is_some_and(|reserve| best.counts_for() < reserve.minor_units()) {
            return Err(Unsold::ReserveNotMet);
        }
        let amount = crate::fixtures::amount;
        let (pays, effective) = (amount(best.face), amount(best.counts_for()));
        Ok(Winner { bid: best.id, bidder: best.bidder, pays, effective })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{self, amount};
    use auction_wire::CommandId;

    /// An auction in which two have bid, and what comes behind its end.
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

    /// Users have the number of their first bid.
    fn bid(n: u128, face: u64) -> Event {
        fixtures::bid_placed(BidId(Uuid::from_u128(n)), UserId(Uuid::from_u128(n)), face)
    }

    fn won_by(n: u128, face: u64) -> AuctionEvent {
        AuctionEvent::WinnerAnnounced(Winner {
            bid: BidId(Uuid::from_u128(n)),
            bidder: UserId(Uuid::from_u128(n)),
            pays: amount(face),
            effective: amount(face),
        })
    }

    fn doubled(n: u128, effective: u64) -> AuctionEvent {
        let (bid, bidder) = (BidId(Uuid::from_u128(n)), UserId(Uuid::from_u128(n)));
        AuctionEvent::BidDoubled { bid, bidder, effective: amount(effective) }
    }

    #[test]
    fn what_went_by_the_rules_is_counted() {
        let found = assert_follows_rules(&auction(vec![won_by(1, 150)]));
        assert_eq!(found, ModelSummary { auctions: 1, sold: 1, bids: 2, ..ModelSummary::default() });
    }

    #[test]
    #[should_panic(expected = "WinnerAnnounced")]
    fn another_winner_is_noticed() {
        assert_follows_rules(&auction(vec![won_by(2, 140)]));
    }

    #[test]
    #[should_panic(expected = "WinnerAnnounced")]
    fn a_bid_that_was_doubled_wins() {
        assert_follows_rules(&auction(vec![doubled(2, 280), won_by(1, 150)]));
    }

    #[test]
    #[should_panic(expected = "it is final")]
    fn a_second_result_is_noticed() {
        assert_follows_rules(&auction(vec![won_by(1, 150), won_by(1, 150)]));
    }

    #[test]
    #[should_panic(expected = "not above his own latest, 150")]
    fn a_bid_below_ones_own_is_noticed() {
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
    fn a_bid_doubled_twice_is_noticed() {
        assert_follows_rules(&auction(vec![doubled(2, 280), doubled(2, 280)]));
    }
}
