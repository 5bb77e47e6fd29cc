//! `DeleteBid`: deletes a bid of the sender.

use super::refusal::*;
use super::{Auction, AuctionEvent, BidState, Decision};
use crate::{Actor, BidId, Timestamp};

/// Deletes an active bid of the sender. The bid stays in the history, but no longer takes part in the
/// ranking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeleteBid {
    pub bid: BidId,
}

refusals! {
    for DeleteBid: UnknownSender, UnknownAuction, VersionConflict, AuctionNotStarted, AuctionEnded,
        AuctionClosed, AuctionCancelled, UnknownBid, BidNotActive;
    NotYourBid = Forbidden("not_your_bid", "a bid can be deleted only by its bidder",
        "Do not repeat the request.");
    TooLateToDelete = Conflict("too_late_to_delete",
        "bids cannot be deleted this close to the end of the auction",
        "Do not repeat the request: the bid stays active.") {
            locked_since: Time = "time from which bids could not be deleted",
            ends_at: Time = "end of bidding, including extensions",
        };
}

impl DeleteBid {
    pub(super) fn decide(&self, auction: &Auction, actor: Actor, at: Timestamp) -> Decision {
        let bid = auction.bid(self.bid).ok_or(UnknownBid)?;
        if actor != Actor::User(bid.bidder) {
            return Err(NotYourBid.into());
        }
        auction.check_open(at)?;
        if bid.state != BidState::Active {
            return Err(BidNotActive.into());
        }
        let ends_at = auction.ends_at;
        let locked_since = ends_at - auction.terms.retraction_lock;
        if at >= locked_since {
            return Err(TooLateToDelete { locked_since, ends_at }.into());
        }
        let new_leader = auction.ranking().find(|other| other.id != self.bid).map(|bid| bid.bidder);
        let deleted = AuctionEvent::BidDeleted { bid: self.bid, bidder: bid.bidder };
        Ok([deleted].into_iter().chain(auction.extension(new_leader, at)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::DurationMs;
    use crate::OperatorId;
    use crate::auction::CreateAuction;
    use crate::auction::fixtures::*;

    const DELETE: DeleteBid = DeleteBid { bid: BidId(uuid::Uuid::from_u128(1)) };

    #[test]
    fn deleted_bid_stays_in_history_and_the_next_one_leads() {
        let auction = given(&[placed(2, BOB, 200), placed(1, ADA, 300)]);
        assert_eq!(DELETE.decide(&auction, Actor::User(ADA), AT), Ok(vec![deleted(1, ADA)]));
        let auction = given(&[placed(2, BOB, 200), placed(1, ADA, 300), deleted(1, ADA)]);
        assert_eq!(auction.leader().unwrap().bidder, BOB);
        assert_eq!((auction.active_bid_count(), auction.active_bidder_count()), (1, 1));
        assert_eq!(auction.bids_of(ADA).count(), 1, "the bid stays in the history");
    }

    #[test]
    fn bid_is_deleted_only_by_its_bidder() {
        let auction = given(&[placed(1, ADA, 300)]);
        for actor in [Actor::User(BOB), Actor::Operator(OperatorId::Unidentified), Actor::Portal] {
            assert_eq!(DELETE.decide(&auction, actor, AT), Err(NotYourBid.into()));
        }
    }

    #[test]
    fn bid_is_deleted_once_and_only_in_its_auction() {
        let auction = given(&[placed(1, ADA, 300), deleted(1, ADA)]);
        let ada = Actor::User(ADA);
        assert_eq!(DELETE.decide(&auction, ada, AT), Err(BidNotActive.into()));
        assert_eq!(DELETE.decide(&given(&[]), ada, AT), Err(UnknownBid.into()));
    }

    #[test]
    fn bid_is_not_deleted_in_retraction_lock_or_after_the_end() {
        let create = CreateAuction { retraction_lock: DurationMs::seconds(5), ..create() };
        let auction = given_terms(&create, &[placed(1, ADA, 300)]);
        let (ada, locked_since) = (Actor::User(ADA), END - DurationMs::seconds(5));
        assert!(DELETE.decide(&auction, ada, locked_since - DurationMs(1)).is_ok());
        assert_eq!(
            DELETE.decide(&auction, ada, locked_since),
            Err(TooLateToDelete { locked_since, ends_at: END }.into())
        );
        assert_eq!(DELETE.decide(&auction, ada, END), Err(AuctionEnded { ends_at: END }.into()));
    }

    #[test]
    fn late_deletion_extends_when_the_leader_changes() {
        let create = CreateAuction { soft_close: Some(soft_close()), ..create() };
        let auction = given_terms(&create, &[placed(2, BOB, 200), placed(1, ADA, 300)]);
        let late = END - DurationMs(1);
        assert_eq!(DELETE.decide(&auction, Actor::User(ADA), late), Ok(vec![deleted(1, ADA), extended()]));
        let losing = DeleteBid { bid: bid(2) };
        assert_eq!(losing.decide(&auction, Actor::User(BOB), late), Ok(vec![deleted(2, BOB)]));
    }
}
