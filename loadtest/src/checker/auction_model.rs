//! A simple model of the auction rules that shares no code with the portal's domain.

use auction_domain::Timestamp;
use auction_domain::auction::{AuctionEvent, Terms, UnsoldReason, Winner};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use uuid::Uuid;

struct Bid {
    bidder: Uuid,
    face: u64,
    effective: u64,
    is_active: bool,
    number: u64,
    /// The version at which the bid reached its effective amount.
    since: u64,
}

/// State of an auction according to its events.
pub(super) struct AuctionModel {
    opening: u64,
    reserve: Option<u64>,
    seller: Option<Uuid>,
    starts_at: Timestamp,
    ends_at: Timestamp,
    lock_ms: i64,
    is_cancelled: bool,
    pub(super) is_closed: bool,
    version: u64,
    bids: HashMap<Uuid, Bid>,
    /// Active bids, best first.
    ranking: BTreeSet<(Reverse<u64>, u64, Uuid)>,
    /// Active bids of each bidder by their number; the last is the latest.
    by_bidder: HashMap<Uuid, BTreeMap<u64, Uuid>>,
}

/// A command that the model can evaluate.
pub(super) enum ModelCommand {
    Place { bid: Uuid, bidder: Uuid, amount: u64 },
    Delete { bid: Uuid, user: Uuid },
}

impl AuctionModel {
    pub(super) fn new(terms: &Terms) -> AuctionModel {
        AuctionModel {
            opening: terms.opening_bid.minor_units(),
            reserve: terms.reserve.map(|reserve| reserve.minor_units()),
            seller: terms.seller.map(|seller| seller.0),
            starts_at: terms.starts_at,
            ends_at: terms.ends_at,
            lock_ms: i64::from(terms.retraction_lock.0),
            is_cancelled: false,
            is_closed: false,
            version: 1,
            bids: HashMap::new(),
            ranking: BTreeSet::new(),
            by_bidder: HashMap::new(),
        }
    }

    /// Returns the code with which a command must be refused at this time; none if it must be accepted.
    pub(super) fn refusal(&self, command: &ModelCommand, at: Timestamp) -> Option<&'static str> {
        match *command {
            ModelCommand::Place { bid, bidder, amount } => {
                let latest = self.latest(bidder).unwrap_or_default();
                let reasons = [
                    (self.seller == Some(bidder), "seller_may_not_bid"),
                    (self.bids.contains_key(&bid), "bid_exists"),
                    (amount < self.opening, "below_opening_bid"),
                    (amount <= latest, "not_above_your_latest"),
                ];
                let others = reasons.iter().find(|(is_so, _)| *is_so).map(|(_, reason)| *reason);
                self.bidding_closed(at).or(others)
            }
            ModelCommand::Delete { bid, user } => {
                let Some(found) = self.bids.get(&bid) else { return Some("unknown_bid") };
                if found.bidder != user {
                    return Some("not_your_bid");
                }
                let is_late = at.0 >= self.ends_at.0 - self.lock_ms;
                let others = [(!found.is_active, "bid_not_live"), (is_late, "too_late_to_delete")];
                let others = others.iter().find(|(is_so, _)| *is_so).map(|(_, reason)| *reason);
                self.bidding_closed(at).or(others)
            }
        }
    }

    fn bidding_closed(&self, at: Timestamp) -> Option<&'static str> {
        let reasons = [
            (self.is_cancelled, "auction_cancelled"),
            (self.is_closed, "auction_closed"),
            (at < self.starts_at, "auction_not_started"),
            (at >= self.ends_at, "auction_ended"),
        ];
        reasons.iter().find(|(is_so, _)| *is_so).map(|(_, reason)| *reason)
    }

    /// Returns the amount of a bidder's latest active bid.
    fn latest(&self, bidder: Uuid) -> Option<u64> {
        let (_, bid) = self.by_bidder.get(&bidder)?.last_key_value()?;
        self.bids.get(bid).map(|bid| bid.face)
    }

    /// Returns the best bid and its effective amount.
    pub(super) fn leader(&self) -> Option<(Uuid, u64)> {
        self.ranking.first().map(|(Reverse(effective), _, bid)| (*bid, *effective))
    }

    /// Applies an event. Returns an error if the event violates the rules.
    pub(super) fn apply(&mut self, event: &AuctionEvent, at: Timestamp) -> Result<(), String> {
        self.version += 1;
        match event {
            AuctionEvent::BidPlaced { bid, bidder, amount } => {
                let command =
                    ModelCommand::Place { bid: bid.0, bidder: bidder.0, amount: amount.minor_units() };
                let refused = self.refusal(&command, at);
                self.place(bid.0, bidder.0, amount.minor_units());
                refused.map_or(Ok(()), |reason| Err(format!("the bid should have been refused: {reason}")))
            }
            AuctionEvent::BidDeleted { bid, bidder } => {
                let refused = self.refusal(&ModelCommand::Delete { bid: bid.0, user: bidder.0 }, at);
                self.remove(bid.0)?;
                refused
                    .map_or(Ok(()), |reason| Err(format!("the deletion should have been refused: {reason}")))
            }
            AuctionEvent::BidVoided { bid, .. } => self.remove(bid.0),
            AuctionEvent::BidsRetracted { bids, .. } => bids.iter().try_for_each(|bid| self.remove(bid.0)),
            AuctionEvent::BidDoubled { bid, effective, .. } => self.double(bid.0, effective.minor_units()),
            AuctionEvent::AuctionExtended { ends_at } | AuctionEvent::AuctionEnded { ends_at, .. } => {
                self.ends_at = *ends_at;
                Ok(())
            }
            AuctionEvent::AuctionCancelled { .. } => {
                self.is_cancelled = true;
                Ok(())
            }
            AuctionEvent::WinnerAnnounced(winner) => self.close(at, Ok(winner)),
            AuctionEvent::AuctionClosedUnsold { reason } => self.close(at, Err(*reason)),
            AuctionEvent::AuctionCreated { .. } => Err("the auction is created twice".to_owned()),
            // Draws are verified by `portal draws verify`.
            _ => Ok(()),
        }
    }

    fn place(&mut self, id: Uuid, bidder: Uuid, face: u64) {
        let number = self.bids.len() as u64;
        let bid = Bid { bidder, face, effective: face, is_active: true, number, since: self.version };
        self.ranking.insert((Reverse(face), bid.since, id));
        self.by_bidder.entry(bidder).or_default().insert(number, id);
        self.bids.insert(id, bid);
    }

    fn remove(&mut self, id: Uuid) -> Result<(), String> {
        let Some(bid) = self.bids.get_mut(&id).filter(|bid| bid.is_active) else {
            return Err(format!("bid {id} is unknown or not active"));
        };
        bid.is_active = false;
        self.ranking.remove(&(Reverse(bid.effective), bid.since, id));
        if let Some(by_bidder) = self.by_bidder.get_mut(&bid.bidder) {
            by_bidder.remove(&bid.number);
        }
        Ok(())
    }

    fn double(&mut self, id: Uuid, effective: u64) -> Result<(), String> {
        let version = self.version;
        let Some(bid) = self.bids.get_mut(&id).filter(|bid| bid.is_active) else {
            return Err(format!("bid {id} is doubled but not active"));
        };
        let is_valid = bid.effective == bid.face && effective == 2 * bid.face;
        self.ranking.remove(&(Reverse(bid.effective), bid.since, id));
        (bid.effective, bid.since) = (effective, version);
        self.ranking.insert((Reverse(bid.effective), bid.since, id));
        if is_valid {
            Ok(())
        } else {
            Err(format!("bid {id} of {} has the effective amount {effective}", bid.face))
        }
    }

    /// Closes the auction. The winner must be the best active bid.
    fn close(&mut self, at: Timestamp, announced: Result<&Winner, UnsoldReason>) -> Result<(), String> {
        let has_ended = self.bidding_closed(at) == Some("auction_ended");
        self.is_closed = true;
        if !has_ended {
            return Err(format!("the auction is closed at {}, before its end or twice", at.0));
        }
        let ranking = self.leader().and_then(|(id, effective)| Some((id, effective, self.bids.get(&id)?)));
        let expected = match ranking {
            None => Err(UnsoldReason::NoBids),
            Some((_, effective, _)) if self.reserve.is_some_and(|reserve| effective < reserve) => {
                Err(UnsoldReason::ReserveNotMet)
            }
            Some((id, effective, bid)) => Ok((id, bid.bidder, bid.face, effective)),
        };
        let actual = announced.map(|winner| {
            let (pays, effective) = (winner.price.minor_units(), winner.effective.minor_units());
            (winner.bid.0, winner.bidder.0, pays, effective)
        });
        if actual == expected {
            Ok(())
        } else {
            Err(format!("{actual:?} is announced, expected {expected:?}"))
        }
    }
}
