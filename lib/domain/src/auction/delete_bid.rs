//! `DeleteBid`: deletes a bid of the sender.

use super::{Auction, AuctionEvent, BidState, BiddingNotOpen};
use crate::detail::Refusal;
use crate::{Actor, BidId, Detail, Details, RefusalClass, Timestamp};
use thiserror::Error;

/// Deletes an active bid of the sender. The bid stays in the history, but no longer takes part in the
/// ranking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeleteBid {
    pub bid: BidId,
}

/// Reasons a [`DeleteBid`] command is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum DeleteBidRefusal {
    #[error(transparent)]
    NotOpen(#[from] BiddingNotOpen),
    #[error("there is no such bid in this auction")]
    UnknownBid,
    #[error("a bid can be deleted only by its bidder")]
    NotYourBid,
    #[error("the bid is no longer active")]
    BidNotActive,
    /// The retraction lock of the auction has begun.
    #[error("bids cannot be deleted this close to the end of the auction")]
    TooLateToDelete { locked_since: Timestamp, ends_at: Timestamp },
}

impl Refusal for DeleteBidRefusal {
    fn code(&self) -> &'static str {
        match self {
            DeleteBidRefusal::NotOpen(not_open) => not_open.code(),
            DeleteBidRefusal::UnknownBid => "unknown_bid",
            DeleteBidRefusal::NotYourBid => "not_your_bid",
            DeleteBidRefusal::BidNotActive => "bid_not_live",
            DeleteBidRefusal::TooLateToDelete { .. } => "too_late_to_delete",
        }
    }
    fn class(&self) -> RefusalClass {
        match self {
            DeleteBidRefusal::UnknownBid => RefusalClass::Unknown,
            DeleteBidRefusal::NotYourBid => RefusalClass::Forbidden,
            _ => RefusalClass::Conflict,
        }
    }
    fn details(&self) -> Details {
        match *self {
            DeleteBidRefusal::NotOpen(not_open) => not_open.details(),
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
        if bid.state != BidState::Active {
            return Err(DeleteBidRefusal::BidNotActive);
        }
        let ends_at = auction.ends_at;
        let locked_since = ends_at - auction.terms.retraction_lock;
        if at >= locked_since {
            return Err(DeleteBidRefusal::TooLateToDelete { locked_since, ends_at });
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
            assert_eq!(DELETE.decide(&auction, actor, AT), Err(DeleteBidRefusal::NotYourBid));
        }
    }

    #[test]
    fn bid_is_deleted_once_and_only_in_its_auction() {
        let auction = given(&[placed(1, ADA, 300), deleted(1, ADA)]);
        let ada = Actor::User(ADA);
        assert_eq!(DELETE.decide(&auction, ada, AT), Err(DeleteBidRefusal::BidNotActive));
        assert_eq!(DELETE.decide(&given(&[]), ada, AT), Err(DeleteBidRefusal::UnknownBid));
    }

    #[test]
    fn bid_is_not_deleted_in_retraction_lock_or_after_the_end() {
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
    fn late_deletion_extends_when_the_leader_changes() {
        let create = CreateAuction { soft_close: Some(soft_close()), ..create() };
        let auction = given_terms(&create, &[placed(2, BOB, 200), placed(1, ADA, 300)]);
        let late = END - DurationMs(1);
        assert_eq!(DELETE.decide(&auction, Actor::User(ADA), late), Ok(vec![deleted(1, ADA), extended()]));
        let losing = DeleteBid { bid: bid(2) };
        assert_eq!(losing.decide(&auction, Actor::User(BOB), late), Ok(vec![deleted(2, BOB)]));
    }
}
