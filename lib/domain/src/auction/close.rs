//! `CloseAuction`: determines the result.

use super::refusal::*;
use super::{Auction, AuctionEvent, Decision, Status, UnsoldReason, Winner};
use crate::{Detail, Details, Timestamp};

/// Determines the result. The command names no winner: the leader wins if it reaches the reserve price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CloseAuction;

refusals! {
    for CloseAuction: UnknownAuction, VersionConflict, AuctionClosed, AuctionCancelled;
    TooEarlyToClose = Conflict("too_early_to_close", "the auction has not ended yet", INTERNAL_COMMAND)
        { ends_at: Time = "end of bidding, including extensions" };
}

impl CloseAuction {
    pub(super) fn decide(&self, auction: &Auction, at: Timestamp) -> Decision {
        auction.check_not_final()?;
        if at < auction.ends_at {
            return Err(TooEarlyToClose { ends_at: auction.ends_at }.into());
        }
        Ok(vec![match auction.leader() {
            None => AuctionEvent::AuctionClosedUnsold { reason: UnsoldReason::NoBids },
            Some(_) if !auction.reserve_met() => {
                AuctionEvent::AuctionClosedUnsold { reason: UnsoldReason::ReserveNotMet }
            }
            Some(leader) => AuctionEvent::WinnerAnnounced(Winner {
                bid: leader.id,
                bidder: leader.bidder,
                price: leader.amount,
                effective: leader.effective(),
            }),
        }])
    }

    pub(super) fn details(&self, after: &Auction) -> Details {
        match after.status {
            Status::Closed(Some(winner)) => {
                vec![("sold", Detail::Flag(true)), ("price", Detail::Amount(winner.price))]
            }
            _ => vec![("sold", Detail::Flag(false))],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::DurationMs;
    use crate::auction::CreateAuction;
    use crate::auction::fixtures::*;

    fn won(id: u128, bidder: crate::UserId, price: u64, effective: u64) -> AuctionEvent {
        AuctionEvent::WinnerAnnounced(Winner {
            bid: bid(id),
            bidder,
            price: amount(price),
            effective: amount(effective),
        })
    }

    #[test]
    fn highest_active_bid_wins() {
        let events = [placed(1, ADA, 300), placed(2, BOB, 500), deleted(2, BOB), placed(3, CYD, 300)];
        assert_eq!(CloseAuction.decide(&given(&events), END), Ok(vec![won(1, ADA, 300, 300)]));
    }

    #[test]
    fn winner_pays_the_face_amount_of_a_doubled_bid() {
        let events = [placed(1, ADA, 300), placed(2, BOB, 500), doubled(1, ADA, 600)];
        assert_eq!(CloseAuction.decide(&given(&events), END), Ok(vec![won(1, ADA, 300, 600)]));
    }

    #[test]
    fn auction_without_bids_or_below_the_reserve_is_unsold() {
        let unsold = |reason| Ok(vec![AuctionEvent::AuctionClosedUnsold { reason }]);
        assert_eq!(CloseAuction.decide(&given(&[]), END), unsold(UnsoldReason::NoBids));
        let create = CreateAuction { reserve: Some(amount(400)), ..create() };
        let below = given_terms(&create, &[placed(1, ADA, 399)]);
        assert_eq!(CloseAuction.decide(&below, END), unsold(UnsoldReason::ReserveNotMet));
        let met = given_terms(&create, &[placed(1, ADA, 399), placed(2, BOB, 400)]);
        assert_eq!(CloseAuction.decide(&met, END), Ok(vec![won(2, BOB, 400, 400)]));
        let met = given_terms(&create, &[placed(1, ADA, 200), doubled(1, ADA, 400)]);
        assert_eq!(CloseAuction.decide(&met, END), Ok(vec![won(1, ADA, 200, 400)]));
    }

    #[test]
    fn auction_is_not_closed_before_its_extended_end() {
        let early = CloseAuction.decide(&given(&[]), END - DurationMs(1));
        assert_eq!(early, Err(TooEarlyToClose { ends_at: END }.into()));
        let create = CreateAuction { soft_close: Some(soft_close()), ..create() };
        let auction = given_terms(&create, &[placed(1, ADA, 300), extended()]);
        let ends_at = END + DurationMs::seconds(30);
        assert_eq!(CloseAuction.decide(&auction, END), Err(TooEarlyToClose { ends_at }.into()));
        assert!(CloseAuction.decide(&auction, ends_at).is_ok());
    }

    #[test]
    fn result_is_final() {
        let closed = given(&[placed(1, ADA, 300), won(1, ADA, 300, 300)]);
        assert_eq!(CloseAuction.decide(&closed, END), Err(AuctionClosed.into()));
        let cancelled = given(&[AuctionEvent::AuctionCancelled { by: None }]);
        assert_eq!(CloseAuction.decide(&cancelled, END), Err(AuctionCancelled.into()));
    }
}
