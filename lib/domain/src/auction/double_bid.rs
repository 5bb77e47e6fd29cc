//! `DoubleBid`: doubles the effective amount of a bid without a draw.

use super::refusal::*;
use super::{Auction, AuctionEvent, Bid, BidState, Decision};
use crate::{BidId, Timestamp};

/// Ranks a bid by twice its face amount; the price stays the face amount. Only the portal sends this command.
/// A doubling without a draw shows when the draws are verified: the promoter sends [`super::HoldDraw`]
/// instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DoubleBid {
    pub bid: BidId,
}

refusals! {
    for DoubleBid: UnknownAuction, VersionConflict, AuctionNotStarted, AuctionEnded, AuctionClosed,
        AuctionCancelled, UnknownBid, BidNotActive;
    AlreadyDoubled = Conflict("already_doubled", "the bid is already doubled", INTERNAL_COMMAND);
}

impl DoubleBid {
    pub(super) fn decide(&self, auction: &Auction, at: Timestamp) -> Decision {
        auction.check_open(at)?;
        let bid = auction.bid(self.bid).ok_or(UnknownBid)?;
        if bid.state != BidState::Active {
            return Err(BidNotActive.into());
        }
        if bid.is_doubled() {
            return Err(AlreadyDoubled.into());
        }
        Ok(auction.doubling(bid, at).collect())
    }
}

impl Auction {
    /// Returns the events of doubling an active bid that is not doubled yet.
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
    fn doubled_bid_ranks_by_twice_its_amount() {
        let events = [placed(2, BOB, 500), placed(1, ADA, 300)];
        assert_eq!(DOUBLE.decide(&given(&events), AT), Ok(vec![doubled(1, ADA, 600)]));
        let [first, second] = events;
        let after = given(&[first, second, doubled(1, ADA, 600)]);
        let leader = after.leader().unwrap();
        assert_eq!((leader.bidder, leader.amount, leader.effective()), (ADA, amount(300), amount(600)));
    }

    #[test]
    fn tie_by_doubling_goes_to_the_first_at_that_amount() {
        let auction = given(&[placed(1, ADA, 300), placed(2, BOB, 600), doubled(1, ADA, 600)]);
        assert_eq!(auction.leader().unwrap().bidder, BOB);
    }

    #[test]
    fn bid_is_doubled_once() {
        let auction = given(&[placed(1, ADA, 300), doubled(1, ADA, 600)]);
        assert_eq!(DOUBLE.decide(&auction, AT), Err(AlreadyDoubled.into()));
    }

    #[test]
    fn only_active_bids_of_open_auctions_are_doubled() {
        assert_eq!(DOUBLE.decide(&given(&[]), AT), Err(UnknownBid.into()));
        let auction = given(&[placed(1, ADA, 300), deleted(1, ADA)]);
        assert_eq!(DOUBLE.decide(&auction, AT), Err(BidNotActive.into()));
        let auction = given(&[placed(1, ADA, 300)]);
        assert_eq!(DOUBLE.decide(&auction, END), Err(AuctionEnded { ends_at: END }.into()));
    }

    #[test]
    fn late_doubling_extends_when_the_leader_changes() {
        let create = CreateAuction { soft_close: Some(soft_close()), ..create() };
        let auction = given_terms(&create, &[placed(2, BOB, 500), placed(1, ADA, 300)]);
        let late = END - DurationMs(1);
        assert_eq!(DOUBLE.decide(&auction, late), Ok(vec![doubled(1, ADA, 600), extended()]));
        let leader = DoubleBid { bid: bid(2) };
        assert_eq!(leader.decide(&auction, late), Ok(vec![doubled(2, BOB, 1000)]));
    }
}
