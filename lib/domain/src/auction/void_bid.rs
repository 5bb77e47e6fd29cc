//! `VoidBid`: strike a bid out, by the house.

use super::{Auction, AuctionEvent, BidState, BiddingNotOpen};
use crate::detail::Refusal;
use crate::{Actor, BidId, Details, Reason, RefusedClass, Timestamp};
use thiserror::Error;

/// Strike a bid out, with a reason. Possible until the auction is closed, also after its end; that the
/// sender is an operator was checked before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VoidBid {
    /// Which.
    pub bid: BidId,
    /// Why; kept on record.
    pub reason: Reason,
}

/// Why not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum VoidBidRefusal {
    /// The result is final.
    #[error(transparent)]
    NotOpen(#[from] BiddingNotOpen),
    /// There is no such bid in this auction.
    #[error("there is no such bid in this auction")]
    UnknownBid,
    /// It does not count any more.
    #[error("the bid does not count any more")]
    BidNotLive,
}

impl Refusal for VoidBidRefusal {
    fn code(&self) -> &'static str {
        match self {
            VoidBidRefusal::NotOpen(not_open) => not_open.code(),
            VoidBidRefusal::UnknownBid => "unknown_bid",
            VoidBidRefusal::BidNotLive => "bid_not_live",
        }
    }
    fn class(&self) -> RefusedClass {
        match self {
            VoidBidRefusal::UnknownBid => RefusedClass::Unknown,
            _ => RefusedClass::Conflict,
        }
    }
    fn facts(&self) -> Details {
        match self {
            VoidBidRefusal::NotOpen(not_open) => not_open.facts(),
            _ => Details::new(),
        }
    }
}

impl VoidBid {
    pub(super) fn decide(
        &self,
        auction: &Auction,
        actor: Actor,
        at: Timestamp,
    ) -> Result<Vec<AuctionEvent>, VoidBidRefusal> {
        auction.check_not_final()?;
        let bid = auction.bid(self.bid).ok_or(VoidBidRefusal::UnknownBid)?;
        if bid.state != BidState::Live {
            return Err(VoidBidRefusal::BidNotLive);
        }
        let leader = auction.standing().find(|other| other.id != self.bid).map(|bid| bid.bidder);
        let (reason, by) = (self.reason.clone(), Some(actor));
        let voided = AuctionEvent::BidVoided { bid: self.bid, bidder: bid.bidder, reason, by };
        Ok([voided].into_iter().chain(auction.extension(leader, at)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{DurationMs, OperatorId};
    use crate::auction::fixtures::*;
    use crate::auction::{CreateAuction, Unsold};

    const BY: Actor = Actor::Operator(OperatorId::ApiKey(uuid::Uuid::from_u128(7)));

    fn void() -> VoidBid {
        VoidBid { bid: bid(1), reason: Reason::new("typed one zero too many").unwrap() }
    }

    fn voided() -> AuctionEvent {
        AuctionEvent::BidVoided { bid: bid(1), bidder: ADA, reason: void().reason, by: Some(BY) }
    }

    #[test]
    fn the_house_strikes_a_bid_out_until_the_auction_is_closed() {
        let auction = given(&[placed(1, ADA, 300)]);
        assert_eq!(void().decide(&auction, BY, AT), Ok(vec![voided()]));
        assert_eq!(void().decide(&auction, BY, END), Ok(vec![voided()]), "also after the end");
        let unsold = AuctionEvent::AuctionClosedUnsold { because: Unsold::ReserveNotMet };
        let closed = given(&[placed(1, ADA, 300), unsold]);
        assert_eq!(void().decide(&closed, BY, END), Err(BiddingNotOpen::Closed.into()));
    }

    #[test]
    fn a_bid_is_struck_out_once() {
        assert_eq!(void().decide(&given(&[]), BY, AT), Err(VoidBidRefusal::UnknownBid));
        let auction = given(&[placed(1, ADA, 300), voided()]);
        assert!(auction.leader().is_none());
        assert_eq!(void().decide(&auction, BY, AT), Err(VoidBidRefusal::BidNotLive));
    }

    #[test]
    fn a_late_voiding_that_changes_the_leader_extends() {
        let create = CreateAuction { soft_close: Some(soft_close()), ..create() };
        let auction = given_terms(&create, &[placed(1, ADA, 300)]);
        assert_eq!(void().decide(&auction, BY, END - DurationMs(1)), Ok(vec![voided(), extended()]));
        assert_eq!(void().decide(&auction, BY, END), Ok(vec![voided()]), "but not after the end");
    }
}
