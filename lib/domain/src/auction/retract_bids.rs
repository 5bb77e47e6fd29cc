//! `RetractBids`: retracts all active bids of a deleted user.

use super::refusal::*;
use super::{Auction, AuctionEvent, Decision};
use crate::{Timestamp, UserId};

/// Retracts all active bids of a deleted user, until the auction is closed. The retraction lock does not
/// apply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetractBids {
    pub bidder: UserId,
}

refusals! {
    for RetractBids: UnknownAuction, VersionConflict, AuctionClosed, AuctionCancelled;
    NoActiveBid = Conflict("no_live_bid", "the user has no active bid in this auction", INTERNAL_COMMAND);
}

impl RetractBids {
    pub(super) fn decide(&self, auction: &Auction, at: Timestamp) -> Decision {
        auction.check_not_final()?;
        let bids: Vec<_> = auction.bids.active_of(self.bidder).map(|bid| bid.id).collect();
        if bids.is_empty() {
            return Err(NoActiveBid.into());
        }
        let new_leader = auction.ranking().map(|bid| bid.bidder).find(|other| *other != self.bidder);
        let retracted = AuctionEvent::BidsRetracted { bidder: self.bidder, bids };
        Ok([retracted].into_iter().chain(auction.extension(new_leader, at)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::DurationMs;
    use crate::auction::fixtures::*;
    use crate::auction::{CreateAuction, UnsoldReason};

    const RETRACT: RetractBids = RetractBids { bidder: ADA };

    fn retracted(bids: &[u128]) -> AuctionEvent {
        AuctionEvent::BidsRetracted { bidder: ADA, bids: bids.iter().map(|n| bid(*n)).collect() }
    }

    #[test]
    fn active_bids_of_the_user_are_retracted_and_others_stay() {
        let events = [placed(1, ADA, 300), placed(2, BOB, 200), placed(3, ADA, 400), deleted(1, ADA)];
        assert_eq!(RETRACT.decide(&given(&events), AT), Ok(vec![retracted(&[3])]));
        let after = given(&[placed(1, ADA, 300), placed(2, BOB, 200), retracted(&[1])]);
        assert_eq!((after.active_bid_count(), after.leader().unwrap().bidder), (1, BOB));
        assert_eq!(RETRACT.decide(&after, AT), Err(NoActiveBid.into()));
    }

    #[test]
    fn bids_are_retracted_until_the_auction_is_closed() {
        let create = CreateAuction { retraction_lock: DurationMs::seconds(60), ..create() };
        let auction = given_terms(&create, &[placed(1, ADA, 300)]);
        assert_eq!(RETRACT.decide(&auction, END - DurationMs(1)), Ok(vec![retracted(&[1])]));
        assert_eq!(RETRACT.decide(&auction, END), Ok(vec![retracted(&[1])]));
        let unsold = AuctionEvent::AuctionClosedUnsold { reason: UnsoldReason::ReserveNotMet };
        let closed = given(&[placed(1, ADA, 300), unsold]);
        assert_eq!(RETRACT.decide(&closed, END), Err(AuctionClosed.into()));
    }

    #[test]
    fn late_retraction_extends_when_the_leader_changes() {
        let create = CreateAuction { soft_close: Some(soft_close()), ..create() };
        let auction = given_terms(&create, &[placed(2, BOB, 200), placed(1, ADA, 300)]);
        assert_eq!(RETRACT.decide(&auction, END - DurationMs(1)), Ok(vec![retracted(&[1]), extended()]));
    }
}
