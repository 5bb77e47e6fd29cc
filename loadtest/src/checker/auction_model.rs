//! An auction by a plain model of the rules, which shares no code with the portal's own.

use auction_domain::Timestamp;
use auction_domain::auction::{AuctionEvent, Terms, Unsold, Winner};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use uuid::Uuid;

/// A bid.
struct Bid {
    bidder: Uuid,
    face: u64,
    counts_for: u64,
    is_live: bool,
    number: u64,
    /// The version at which it reached what it counts for.
    since: u64,
}

/// An auction as its events have it.
pub(super) struct AuctionModel {
    opening: u64,
    reserve: Option<u64>,
    seller: Option<Uuid>,
    starts_at: Timestamp,
    ends_at: Timestamp,
    locked: i64,
    is_cancelled: bool,
    pub(super) is_closed: bool,
    version: u64,
    bids: HashMap<Uuid, Bid>,
    /// Live bids, the best first.
    best: BTreeSet<(Reverse<u64>, u64, Uuid)>,
    /// Live bids of each bidder by their number: the last is his latest.
    own: HashMap<Uuid, BTreeMap<u64, Uuid>>,
}

/// What somebody wants.
pub(super) enum ModelCommand {
    Place { bid: Uuid, bidder: Uuid, amount: u64 },
    Delete { bid: Uuid, by: Uuid },
}

impl AuctionModel {
    pub(super) fn new(terms: &Terms) -> AuctionModel {
        AuctionModel {
            opening: terms.opening_bid.minor_units(),
            reserve: terms.reserve.map(|reserve| reserve.minor_units()),
            seller: terms.seller.map(|seller| seller.0),
            starts_at: terms.starts_at,
            ends_at: terms.ends_at,
            locked: i64::from(terms.retraction_lock.0),
            is_cancelled: false,
            is_closed: false,
            version: 1,
            bids: HashMap::new(),
            best: BTreeSet::new(),
            own: HashMap::new(),
        }
    }

    /// Why a wish must be refused at a time; none if it must be granted.
    pub(super) fn refuses(&self, wish: &ModelCommand, at: Timestamp) -> Option<&'static str> {
        match *wish {
            ModelCommand::Place { bid, bidder, amount } => {
                let latest = self.latest(bidder).unwrap_or_default();
                let reasons = [
                    (self.seller == Some(bidder), "seller_may_not_bid"),
                    (self.bids.contains_key(&bid), "bid_exists"),
                    (amount < self.opening, "below_opening_bid"),
                    (amount <= latest, "not_above_your_latest"),
                ];
                let others = reasons.iter().find(|(is_so, _)| *is_so).map(|(_, reason)| *reason);
                self.not_open(at).or(others)
            }
            ModelCommand::Delete { bid, by } => {
                let Some(found) = self.bids.get(&bid) else { return Some("unknown_bid") };
                if found.bidder != by {
                    return Some("not_your_bid");
                }
                let is_late = at.0 >= self.ends_at.0 - self.locked;
                let others = [(!found.is_live, "bid_not_live"), (is_late, "too_late_to_delete")];
                let others = others.iter().find(|(is_so, _)| *is_so).map(|(_, reason)| *reason);
                self.not_open(at).or(others)
            }
        }
    }

    fn not_open(&self, at: Timestamp) -> Option<&'static str> {
        let reasons = [
            (self.is_cancelled, "auction_cancelled"),
            (self.is_closed, "auction_closed"),
            (at < self.starts_at, "auction_not_started"),
            (at >= self.ends_at, "auction_ended"),
        ];
        reasons.iter().find(|(is_so, _)| *is_so).map(|(_, reason)| *reason)
    }

    /// What a bidder bid last.
    fn latest(&self, bidder: Uuid) -> Option<u64> {
        let (_, bid) = self.own.get(&bidder)?.last_key_value()?;
        self.bids.get(bid).map(|bid| bid.face)
    }

    /// The best bid and what it counts for.
    pub(super) fn leader(&self) -> Option<(Uuid, u64)> {
        self.best.first().map(|(Reverse(counts_for), _, bid)| (*bid, *counts_for))
    }

    /// One more event; what is wrong with it.
    pub(super) fn happen(&mut self, event: &AuctionEvent, at: Timestamp) -> Result<(), String> {
        self.version += 1;
        match event {
            AuctionEvent::BidPlaced { bid, bidder, amount } => {
                let wish = ModelCommand::Place { bid: bid.0, bidder: bidder.0, amount: amount.minor_units() };
                let refused = self.refuses(&wish, at);
                self.place(bid.0, bidder.0, amount.minor_units());
                refused.map_or(Ok(()), |reason| Err(format!("the bid had to be refused: {reason}")))
            }
            AuctionEvent::BidDeleted { bid, bidder } => {
                let refused = self.refuses(&ModelCommand::Delete { bid: bid.0, by: bidder.0 }, at);
                self.take_out(bid.0)?;
                refused.map_or(Ok(()), |reason| Err(format!("the deletion had to be refused: {reason}")))
            }
            AuctionEvent::BidVoided { bid, .. } => self.take_out(bid.0),
            AuctionEvent::BidsRetracted { bids, .. } => bids.iter().try_for_each(|bid| self.take_out(bid.0)),
            AuctionEvent::BidDoubled { bid, effective, .. } => self.double(bid.0, effective.minor_units()),
            AuctionEvent::AuctionExtended { ends_at } | AuctionEvent::AuctionEnded { ends_at } => {
                self.ends_at = *ends_at;
                Ok(())
            }
            AuctionEvent::AuctionCancelled => {
                self.is_cancelled = true;
                Ok(())
            }
            AuctionEvent::WinnerAnnounced(winner) => self.close(at, Ok(winner)),
            AuctionEvent::AuctionClosedUnsold { because } => self.close(at, Err(*because)),
            AuctionEvent::AuctionCreated { .. } => Err("it is created twice".to_owned()),
            // Draws have a check of their own: `portal draws verify`.
            _ => Ok(()),
        }
    }

    fn place(&mut self, id: Uuid, bidder: Uuid, face: u64) {
        let number = self.bids.len() as u64;
        let bid = Bid { bidder, face, counts_for: face, is_live: true, number, since: self.version };
        self.best.insert((Reverse(face), bid.since, id));
        self.own.entry(bidder).or_default().insert(number, id);
        self.bids.insert(id, bid);
    }

    fn take_out(&mut self, id: Uuid) -> Result<(), String> {
        let Some(bid) = self.bids.get_mut(&id).filter(|bid| bid.is_live) else {
            return Err(format!("bid {id} does not count any more, or never did"));
        };
        bid.is_live = false;
        self.best.remove(&(Reverse(bid.counts_for), bid.since, id));
        if let Some(own) = self.own.get_mut(&bid.bidder) {
            own.remove(&bid.number);
        }
        Ok(())
    }

    fn double(&mut self, id: Uuid, effective: u64) -> Result<(), String> {
        let version = self.version;
        let Some(bid) = self.bids.get_mut(&id).filter(|bid| bid.is_live) else {
            return Err(format!("bid {id} is doubled and does not count"));
        };
        let is_right = bid.counts_for == bid.face && effective == 2 * bid.face;
        self.best.remove(&(Reverse(bid.counts_for), bid.since, id));
        (bid.counts_for, bid.since) = (effective, version);
        self.best.insert((Reverse(bid.counts_for), bid.since, id));
        if is_right { Ok(()) } else { Err(format!("bid {id} of {} counts for {effective}", bid.face)) }
    }

    /// The winner is the best live bid.
    fn close(&mut self, at: Timestamp, announced: Result<&Winner, Unsold>) -> Result<(), String> {
        let is_late = self.not_open(at) == Some("auction_ended");
        self.is_closed = true;
        if !is_late {
            return Err(format!("it is closed at {}, before its end or once more", at.0));
        }
        let best = self.leader().and_then(|(id, counts_for)| Some((id, counts_for, self.bids.get(&id)?)));
        let right = match best {
            None => Err(Unsold::NoBids),
            Some((_, counts_for, _)) if self.reserve.is_some_and(|reserve| counts_for < reserve) => {
                Err(Unsold::ReserveNotMet)
            }
            Some((id, counts_for, bid)) => Ok((id, bid.bidder, bid.face, counts_for)),
        };
        let told = announced.map(|winner| {
            let (pays, counts_for) = (winner.pays.minor_units(), winner.effective.minor_units());
            (winner.bid.0, winner.bidder.0, pays, counts_for)
        });
        if told == right { Ok(()) } else { Err(format!("{told:?} is announced, {right:?} is right")) }
    }
}
