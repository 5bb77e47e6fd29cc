//! `VoidBid`: voids a bid on behalf of an operator.

use super::refusal::*;
use super::{Auction, AuctionEvent, BidState, Decision};
use crate::{Actor, BidId, Timestamp};

crate::text::text!(
    /// Reason of an operator's action: one line of 1 to 500 characters, not blank.
    Reason, 1..=500, multiline: false
);

/// Voids an active bid. Possible until the auction is closed, also after its end. The ingress accepts the
/// command from operators only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VoidBid {
    pub bid: BidId,
    pub reason: Reason,
}

refusals! {
    for VoidBid: UnknownAuction, VersionConflict, AuctionClosed, AuctionCancelled, UnknownBid, BidNotActive;
}

impl VoidBid {
    pub(super) fn decide(&self, auction: &Auction, actor: Actor, at: Timestamp) -> Decision {
        auction.check_not_final()?;
        let bid = auction.bid(self.bid).ok_or(UnknownBid)?;
        if bid.state != BidState::Active {
            return Err(BidNotActive.into());
        }
        let new_leader = auction.ranking().find(|other| other.id != self.bid).map(|bid| bid.bidder);
        let (reason, by) = (self.reason.clone(), Some(actor));
        let voided = AuctionEvent::BidVoided { bid: self.bid, bidder: bid.bidder, reason, by };
        Ok([voided].into_iter().chain(auction.extension(new_leader, at)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auction::fixtures::*;
    use crate::auction::{CreateAuction, UnsoldReason};
    use crate::{DurationMs, OperatorId};

    const OPERATOR: Actor = Actor::Operator(OperatorId::ApiKey(uuid::Uuid::from_u128(7)));

    fn void() -> VoidBid {
        VoidBid { bid: bid(1), reason: Reason::new("typed one zero too many").unwrap() }
    }

    fn voided() -> AuctionEvent {
        AuctionEvent::BidVoided { bid: bid(1), bidder: ADA, reason: void().reason, by: Some(OPERATOR) }
    }

    #[test]
    fn bid_is_voided_until_the_auction_is_closed() {
        let auction = given(&[placed(1, ADA, 300)]);
        assert_eq!(void().decide(&auction, OPERATOR, AT), Ok(vec![voided()]));
        assert_eq!(void().decide(&auction, OPERATOR, END), Ok(vec![voided()]), "also after the end");
        let unsold = AuctionEvent::AuctionClosedUnsold { reason: UnsoldReason::ReserveNotMet };
        let closed = given(&[placed(1, ADA, 300), unsold]);
        assert_eq!(void().decide(&closed, OPERATOR, END), Err(AuctionClosed.into()));
    }

    #[test]
    fn bid_is_voided_once() {
        assert_eq!(void().decide(&given(&[]), OPERATOR, AT), Err(UnknownBid.into()));
        let auction = given(&[placed(1, ADA, 300), voided()]);
        assert!(auction.leader().is_none());
        assert_eq!(void().decide(&auction, OPERATOR, AT), Err(BidNotActive.into()));
    }

    #[test]
    fn late_voiding_extends_when_the_leader_changes() {
        let create = CreateAuction { soft_close: Some(soft_close()), ..create() };
        let auction = given_terms(&create, &[placed(1, ADA, 300)]);
        assert_eq!(void().decide(&auction, OPERATOR, END - DurationMs(1)), Ok(vec![voided(), extended()]));
        assert_eq!(void().decide(&auction, OPERATOR, END), Ok(vec![voided()]), "but not after the end");
    }
}
