//! `RetractBids`: take out all bids of a deleted user.

use super::{Auction, AuctionEvent, BiddingNotOpen};
use crate::detail::Refusal;
use crate::{Details, RefusedClass, Timestamp, UserId};
use thiserror::Error;

/// Take out all live bids of a user who deleted his account. Not held by the retraction lock, and
/// possible until the auction is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetractBids {
    /// Whose.
    pub bidder: UserId,
}

/// Why not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum RetractBidsRefusal {
    /// The result is final and does not change.
    #[error(transparent)]
    NotOpen(#[from] BiddingNotOpen),
    /// Nothing is left to take out.
    #[error("the user has no live bid in this auction")]
    NoLiveBid,
}

impl Refusal for RetractBidsRefusal {
    fn code(&self) -> &'static str {
        match self {
            RetractBidsRefusal::NotOpen(not_open) => not_open.code(),
            RetractBidsRefusal::NoLiveBid => "no_live_bid",
        }
    }
    fn class(&self) -> RefusedClass {
        RefusedClass::Conflict
    }
    fn facts(&self) -> Details {
        match self {
            RetractBidsRefusal::NotOpen(not_open) => not_open.facts(),
            RetractBidsRefusal::NoLiveBid => Details::new(),
        }
    }
}

impl RetractBids {
    pub(super) fn decide(
        &self,
        auction: &Auction,
        at: Timestamp,
    ) -> Result<Vec<AuctionEvent>, RetractBidsRefusal> {
        auction.check_not_final()?;
        let bids: Vec<_> = auction.bids.live_of(self.bidder).map(|bid| bid.id).collect();
        if bids.is_empty() {
            return Err(RetractBidsRefusal::NoLiveBid);
        }
        let leader = auction.standing().map(|bid| bid.bidder).find(|other| *other != self.bidder);
        let retracted = AuctionEvent::BidsRetracted { bidder: self.bidder, bids };
        Ok([retracted].into_iter().chain(auction.extension(leader, at)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::DurationMs;
    use crate::auction::fixtures::*;
    use crate::auction::{CreateAuction, Unsold};

    const RETRACT: RetractBids = RetractBids { bidder: ADA };

    fn retracted(bids: &[u128]) -> AuctionEvent {
        AuctionEvent::BidsRetracted { bidder: ADA, bids: bids.iter().map(|n| bid(*n)).collect() }
    }

    #[test]
    fn all_live_bids_go_and_others_stay() {
        let events = [placed(1, ADA, 300), placed(2, BOB, 200), placed(3, ADA, 400), deleted(1, ADA)];
        assert_eq!(RETRACT.decide(&given(&events), AT), Ok(vec![retracted(&[3])]));
        let after = given(&[placed(1, ADA, 300), placed(2, BOB, 200), retracted(&[1])]);
        assert_eq!((after.live_bids(), after.leader().unwrap().bidder), (1, BOB));
        assert_eq!(RETRACT.decide(&after, AT), Err(RetractBidsRefusal::NoLiveBid));
    }

    #[test]
    fn the_retraction_lock_and_the_end_do_not_hold_it_but_the_closing_does() {
        let create = CreateAuction { retraction_lock: DurationMs::seconds(60), ..create() };
        let auction = given_terms(&create, &[placed(1, ADA, 300)]);
        assert_eq!(RETRACT.decide(&auction, END - DurationMs(1)), Ok(vec![retracted(&[1])]));
        assert_eq!(RETRACT.decide(&auction, END), Ok(vec![retracted(&[1])]));
        let unsold = AuctionEvent::AuctionClosedUnsold { because: Unsold::ReserveNotMet };
        let closed = given(&[placed(1, ADA, 300), unsold]);
        assert_eq!(RETRACT.decide(&closed, END), Err(BiddingNotOpen::Closed.into()));
    }

    #[test]
    fn a_late_retraction_that_changes_the_leader_extends() {
        let create = CreateAuction { soft_close: Some(soft_close()), ..create() };
        let auction = given_terms(&create, &[placed(2, BOB, 200), placed(1, ADA, 300)]);
        assert_eq!(RETRACT.decide(&auction, END - DurationMs(1)), Ok(vec![retracted(&[1]), extended()]));
    }
}
