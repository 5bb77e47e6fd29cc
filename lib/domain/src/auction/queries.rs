//! Queries of the state of an auction.

use super::bids::Bid;
use super::{Auction, Draws, Status, Terms};
use crate::{BidId, Timestamp, UserId};

impl Auction {
    pub fn terms(&self) -> &Terms {
        &self.terms
    }

    /// Returns the end of bidding, including extensions.
    pub fn ends_at(&self) -> Timestamp {
        self.ends_at
    }

    pub fn status(&self) -> Status {
        self.status
    }

    /// Returns the number of events of this auction.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// Returns the highest-ranked active bid.
    pub fn leader(&self) -> Option<&Bid> {
        self.bids.leader()
    }

    /// Returns all active bids, highest-ranked first.
    pub fn ranking(&self) -> impl Iterator<Item = &Bid> {
        self.bids.ranking()
    }

    /// Returns every user with an active bid once, in no particular order.
    pub fn bidders(&self) -> impl Iterator<Item = UserId> {
        self.bids.bidders()
    }

    /// Returns all bids of one user, active or not, oldest first.
    pub fn bids_of(&self, bidder: UserId) -> impl ExactSizeIterator<Item = &Bid> {
        self.bids.of(bidder)
    }

    /// Returns the newest active bid of a user, which also has their highest face amount.
    pub fn latest_active_bid_of(&self, bidder: UserId) -> Option<&Bid> {
        self.bids.active_of(bidder).next_back()
    }

    /// Returns the position of a bid in the order of placement, from 1.
    pub fn bid_number(&self, bid: BidId) -> Option<u64> {
        self.bids.number(bid)
    }

    /// Returns one bid, active or not.
    pub fn bid(&self, bid: BidId) -> Option<&Bid> {
        self.bids.get(bid)
    }

    /// Returns all bids, active or not, oldest first.
    pub fn bids(&self) -> &[Bid] {
        self.bids.all()
    }

    pub fn draws(&self) -> &Draws {
        &self.draws
    }

    pub fn active_bid_count(&self) -> usize {
        self.bids.active_count()
    }

    /// Returns the number of users with an active bid.
    pub fn active_bidder_count(&self) -> usize {
        self.bids.active_bidder_count()
    }

    /// Whether the leader reaches the reserve price. Always true without a reserve price.
    pub fn reserve_met(&self) -> bool {
        self.terms.reserve.is_none_or(|reserve| self.leader().is_some_and(|l| l.effective() >= reserve))
    }
}
