//! `DeleteBid`: take one's bid back.

use super::{Auction, AuctionEvent, BidState, BiddingNotOpen};
use crate::detail::Refusal;
use crate::{Actor, BidId, Detail, Details, RefusedClass, Timestamp};
use thiserror::Error;

/// Take a bid back. It stays on record; the standing is that of the other live bids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeleteBid {
    /// Which.
    pub bid: BidId,
}

/// Why not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum DeleteBidRefusal {
    /// Bidding is not on.
    #[error(transparent)]
    NotOpen(#[from] BiddingNotOpen),
    /// There is no such bid in this auction.
    #[error("there is no such bid in this auction")]
    UnknownBid,
    /// It is somebody else's.
    #[error("only its bidder can delete a bid")]
    NotYourBid,
    /// It does not count any more.
    #[error("the bid does not count any more")]
    BidNotLive,
    /// The end is too near.
    #[error("bids can't be deleted so shortly before the end")]
    TooLateToDelete {
        /// Since when they can't.
        locked_since: Timestamp,
        /// The end.
        ends_at: Timestamp,
    },
}

impl Refusal for DeleteBidRefusal {
    fn code(&self) -> &'static str {
        match self {
            DeleteBidRefusal::NotOpen(not_open) => not_open.code(),
            DeleteBidRefusal::UnknownBid => "unknown_bid",
            DeleteBidRefusal::NotYourBid => "not_your_bid",
            DeleteBidRefusal::BidNotLive => "bid_not_live",
            DeleteBidRefusal::TooLateToDelete { .. } => "too_late_to_delete",
        }
    }
    fn class(&self) -> RefusedClass {
        match self {
            DeleteBidRefusal::UnknownBid => RefusedClass::Unknown,
            DeleteBidRefusal::NotYourBid => RefusedClass::Forbidden,
            _ => RefusedClass::Conflict,
        }
    }
    fn facts(&self) -> Details {
        match *self {
            DeleteBidRefusal::NotOpen(not_open) => not_open.facts(),
            DeleteBidRefusal::TooLateToDelete { locked_since, ends_at } => {
                vec![("locked_since", Detail::Time(locked_since)), ("ends_at", Detail::Time(ends_at))]
            }
            _ => Details::new(),
        }
    }
}

impl DeleteBid {
    pub(super) fn decide(
        &self,
        auction: &Auction,
        actor: Actor,
        at: Timestamp,
    ) -> Result<Vec<AuctionEvent>, DeleteBidRefusal> {
        let bid = auction.bid(self.bid).ok_or(DeleteBidRefusal::UnknownBid)?;
        if actor != Actor::User(bid.bidder) {
            return Err(DeleteBidRefusal::NotYourBid);
        }
        auction.check_open(at)?;
        if bid.state != BidState::Live {
            return Err(DeleteBidRefusal::BidNotLive);
        }
        let ends_at = auction.ends_at;
        let locked_since = ends_at - auction.terms.retraction_lock;
        if at >= locked_since {
            return Err(DeleteBidRefusal::TooLateToDelete { locked_since, ends_at });
        }
        let leader = auction.standing().find(|other| other.id != self.bid).map(|bid| bid.bidder);
        let deleted = AuctionEvent::BidDeleted { bid: self.bid, bidder: bid.bidder };
        Ok([deleted].into_iter().chain(auction.extension(leader, at)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::OperatorId;
    use crate::DurationMs;
    use crate::auction::CreateAuction;
    use crate::auction::fixtures::*;

    const DELETE: DeleteBid = DeleteBid { bid: BidId(uuid::Uuid::from_u128(1)) };

    #[test]
    fn a_bidder_deletes_his_bid_and_the_next_one_leads() {
        let auction = given(&[placed(2, BOB, 200), placed(1, ADA, 300)]);
        assert_eq!(DELETE.decide(&auction, Actor::User(ADA), AT), Ok(vec![deleted(1, ADA)]));
        let auction = given(&[placed(2, BOB, 200), placed(1, ADA, 300), deleted(1, ADA)]);
        assert_eq!(auction.leader().unwrap().bidder, BOB);
        assert_eq!((auction.live_bids(), auction.live_bidders()), (1, 1));
        assert_eq!(auction.bids_of(ADA).count(), 1, "it stays on record");
    }

    #[test]
    fn nobody_deletes_the_bid_of_another() {
        let auction = given(&[placed(1, ADA, 300)]);
        for actor in [Actor::User(BOB), Actor::Operator(OperatorId::Unidentified), Actor::Portal] {
            assert_eq!(DELETE.decide(&auction, actor, AT), Err(DeleteBidRefusal::NotYourBid));
        }
    }

    #[test]
    fn a_bid_is_deleted_once_and_only_where_it_was_placed() {
        let auction = given(&[placed(1, ADA, 300), deleted(1, ADA)]);
        let ada = Actor::User(ADA);
        assert_eq!(DELETE.decide(&auction, ada, AT), Err(DeleteBidRefusal::BidNotLive));
        assert_eq!(DELETE.decide(&given(&[]), ada, AT), Err(DeleteBidRefusal::UnknownBid));
    }

    #[test]
    fn no_bid_is_deleted_within_the_retraction_lock_or_after_the_end() {
        let create = CreateAuction { retraction_lock: DurationMs::seconds(5), ..create() };
        let auction = given_terms(&create, &[placed(1, ADA, 300)]);
        let (ada, locked_since) = (Actor::User(ADA), END - DurationMs::seconds(5));
        assert!(DELETE.decide(&auction, ada, locked_since - DurationMs(1)).is_ok());
        assert_eq!(
            DELETE.decide(&auction, ada, locked_since),
            Err(DeleteBidRefusal::TooLateToDelete { locked_since, ends_at: END })
        );
        assert_eq!(DELETE.decide(&auction, ada, END), Err(BiddingNotOpen::Ended { ends_at: END }.into()));
    }

    #[test]
    fn a_late_deletion_that_changes_the_leader_extends() {
        let create = CreateAuction { soft_close: Some(soft_close()), ..create() };
        let auction = given_terms(&create, &[placed(2, BOB, 200), placed(1, ADA, 300)]);
        let late = END - DurationMs(1);
        assert_eq!(DELETE.decide(&auction, Actor::User(ADA), late), Ok(vec![deleted(1, ADA), extended()]));
        let losing = DeleteBid { bid: bid(2) };
        assert_eq!(losing.decide(&auction, Actor::User(BOB), late), Ok(vec![deleted(2, BOB)]));
    }
}
