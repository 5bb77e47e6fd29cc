//! `DoubleBid`: let a bid count twice.

use super::{Auction, AuctionEvent, Bid, BidState, BiddingNotOpen};
use crate::detail::Refusal;
use crate::{BidId, Details, RefusedClass, Timestamp};
use thiserror::Error;

/// Let a bid count for twice its face amount; its bidder still owes the face amount. By the house, without
/// a draw: whoever checks the draws of the auction sees that. The promoter sends [`super::HoldDraw`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DoubleBid {
    /// Which.
    pub bid: BidId,
}

/// Why not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum DoubleBidRefusal {
    /// Bidding is not on.
    #[error(transparent)]
    NotOpen(#[from] BiddingNotOpen),
    /// There is no such bid in this auction.
    #[error("there is no such bid in this auction")]
    UnknownBid,
    /// It does not count any more.
    #[error("the bid does not count any more")]
    BidNotLive,
    /// It counts twice already.
    #[error("the bid was doubled already")]
    AlreadyDoubled,
}

impl Refusal for DoubleBidRefusal {
    fn code(&self) -> &'static str {
        match self {
            DoubleBidRefusal::NotOpen(not_open) => not_open.code(),
            DoubleBidRefusal::UnknownBid => "unknown_bid",
            DoubleBidRefusal::BidNotLive => "bid_not_live",
            DoubleBidRefusal::AlreadyDoubled => "already_doubled",
        }
    }
    fn class(&self) -> RefusedClass {
        match self {
            DoubleBidRefusal::UnknownBid => RefusedClass::Unknown,
            _ => RefusedClass::Conflict,
        }
    }
    fn facts(&self) -> Details {
        match self {
            DoubleBidRefusal::NotOpen(not_open) => not_open.facts(),
            _ => Details::new(),
        }
    }
}

impl DoubleBid {
    pub(super) fn decide(
        &self,
        auction: &Auction,
        at: Timestamp,
    ) -> Result<Vec<AuctionEvent>, DoubleBidRefusal> {
        auction.check_open(at)?;
        let bid = auction.bid(self.bid).ok_or(DoubleBidRefusal::UnknownBid)?;
        if bid.state != BidState::Live {
            return Err(DoubleBidRefusal::BidNotLive);
        }
        if bid.is_doubled() {
            return Err(DoubleBidRefusal::AlreadyDoubled);
        }
        Ok(auction.doubling(bid, at).collect())
    }
}

impl Auction {
    /// What follows when a live bid that was not doubled yet counts twice from now on.
    pub(super) fn doubling(&self, bid: &Bid, at: Timestamp) -> impl Iterator<Item = AuctionEvent> {
        let effective = bid.amount.doubled();
        let leads = self.leader().is_some_and(|leader| effective > leader.effective());
        let extension = leads.then(|| self.extension(Some(bid.bidder), at)).flatten();
        let doubled = AuctionEvent::BidDoubled { bid: bid.id, bidder: bid.bidder, effective };
        [doubled].into_iter().chain(extension)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::DurationMs;
    use crate::auction::CreateAuction;
    use crate::auction::fixtures::*;

    const DOUBLE: DoubleBid = DoubleBid { bid: BidId(uuid::Uuid::from_u128(1)) };

    #[test]
    fn a_doubled_bid_counts_twice() {
        let events = [placed(2, BOB, 500), placed(1, ADA, 300)];
        assert_eq!(DOUBLE.decide(&given(&events), AT), Ok(vec![doubled(1, ADA, 600)]));
        let [first, second] = events;
        let after = given(&[first, second, doubled(1, ADA, 600)]);
        let leader = after.leader().unwrap();
        assert_eq!((leader.bidder, leader.amount, leader.effective()), (ADA, amount(300), amount(600)));
    }

    #[test]
    fn a_tie_by_doubling_goes_to_whoever_had_the_value_first() {
        let auction = given(&[placed(1, ADA, 300), placed(2, BOB, 600), doubled(1, ADA, 600)]);
        assert_eq!(auction.leader().unwrap().bidder, BOB);
    }

    #[test]
    fn a_bid_is_doubled_once() {
        let auction = given(&[placed(1, ADA, 300), doubled(1, ADA, 600)]);
        assert_eq!(DOUBLE.decide(&auction, AT), Err(DoubleBidRefusal::AlreadyDoubled));
    }

    #[test]
    fn only_a_live_bid_of_an_open_auction_is_doubled() {
        assert_eq!(DOUBLE.decide(&given(&[]), AT), Err(DoubleBidRefusal::UnknownBid));
        let auction = given(&[placed(1, ADA, 300), deleted(1, ADA)]);
        assert_eq!(DOUBLE.decide(&auction, AT), Err(DoubleBidRefusal::BidNotLive));
        let auction = given(&[placed(1, ADA, 300)]);
        assert_eq!(DOUBLE.decide(&auction, END), Err(BiddingNotOpen::Ended { ends_at: END }.into()));
    }

    #[test]
    fn a_late_doubling_that_changes_the_leader_extends() {
        let create = CreateAuction { soft_close: Some(soft_close()), ..create() };
        let auction = given_terms(&create, &[placed(2, BOB, 500), placed(1, ADA, 300)]);
        let late = END - DurationMs(1);
        assert_eq!(DOUBLE.decide(&auction, late), Ok(vec![doubled(1, ADA, 600), extended()]));
        let leader = DoubleBid { bid: bid(2) };
        assert_eq!(leader.decide(&auction, late), Ok(vec![doubled(2, BOB, 1000)]));
    }
}
