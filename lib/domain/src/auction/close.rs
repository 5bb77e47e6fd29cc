//! `CloseAuction`: declare the result.

use super::{Auction, AuctionEvent, BiddingNotOpen, Status, Unsold, Winner};
use crate::detail::Refusal;
use crate::{Detail, Details, RefusedClass, Timestamp};
use thiserror::Error;

/// Declare the result. The sender names no winner: the auction derives it from its live bids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CloseAuction;

/// Why not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum CloseAuctionRefusal {
    /// It was closed or cancelled before.
    #[error(transparent)]
    NotOpen(#[from] BiddingNotOpen),
    /// Its end, extensions included, has not come.
    #[error("the auction has not ended yet")]
    TooEarly {
        /// When it ends.
        ends_at: Timestamp,
    },
}

impl Refusal for CloseAuctionRefusal {
    fn code(&self) -> &'static str {
        match self {
            CloseAuctionRefusal::NotOpen(not_open) => not_open.code(),
            CloseAuctionRefusal::TooEarly { .. } => "too_early_to_close",
        }
    }
    fn class(&self) -> RefusedClass {
        RefusedClass::Conflict
    }
    fn facts(&self) -> Details {
        match *self {
            CloseAuctionRefusal::NotOpen(not_open) => not_open.facts(),
            CloseAuctionRefusal::TooEarly { ends_at } => vec![("ends_at", Detail::Time(ends_at))],
        }
    }
}

impl CloseAuction {
    pub(super) fn decide(
        &self,
        auction: &Auction,
        at: Timestamp,
    ) -> Result<Vec<AuctionEvent>, CloseAuctionRefusal> {
        auction.check_not_final()?;
        if at < auction.ends_at {
            return Err(CloseAuctionRefusal::TooEarly { ends_at: auction.ends_at });
        }
        Ok(vec![match auction.leader() {
            None => AuctionEvent::AuctionClosedUnsold { because: Unsold::NoBids },
            Some(_) if !auction.reserve_met() => {
                AuctionEvent::AuctionClosedUnsold { because: Unsold::ReserveNotMet }
            }
            Some(best) => AuctionEvent::WinnerAnnounced(Winner {
                bid: best.id,
                bidder: best.bidder,
                pays: best.amount,
                effective: best.effective(),
            }),
        }])
    }

    pub(super) fn facts(&self, after: &Auction) -> Details {
        match after.status {
            Status::Closed(Some(winner)) => {
                vec![("sold", Detail::Flag(true)), ("price", Detail::Amount(winner.pays))]
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

    fn won(id: u128, bidder: crate::UserId, pays: u64, effective: u64) -> AuctionEvent {
        AuctionEvent::WinnerAnnounced(Winner {
            bid: bid(id),
            bidder,
            pays: amount(pays),
            effective: amount(effective),
        })
    }

    #[test]
    fn the_best_live_bid_wins() {
        let events = [placed(1, ADA, 300), placed(2, BOB, 500), deleted(2, BOB), placed(3, CYD, 300)];
        assert_eq!(CloseAuction.decide(&given(&events), END), Ok(vec![won(1, ADA, 300, 300)]));
    }

    #[test]
    fn a_doubled_winner_owes_the_face_amount() {
        let events = [placed(1, ADA, 300), placed(2, BOB, 500), doubled(1, ADA, 600)];
        assert_eq!(CloseAuction.decide(&given(&events), END), Ok(vec![won(1, ADA, 300, 600)]));
    }

    #[test]
    fn without_a_live_bid_or_below_the_reserve_it_is_unsold() {
        let unsold = |because| Ok(vec![AuctionEvent::AuctionClosedUnsold { because }]);
        assert_eq!(CloseAuction.decide(&given(&[]), END), unsold(Unsold::NoBids));
        let create = CreateAuction { reserve: Some(amount(400)), ..create() };
        let below = given_terms(&create, &[placed(1, ADA, 399)]);
        assert_eq!(CloseAuction.decide(&below, END), unsold(Unsold::ReserveNotMet));
        let met = given_terms(&create, &[placed(1, ADA, 399), placed(2, BOB, 400)]);
        assert_eq!(CloseAuction.decide(&met, END), Ok(vec![won(2, BOB, 400, 400)]));
        let met = given_terms(&create, &[placed(1, ADA, 200), doubled(1, ADA, 400)]);
        assert_eq!(CloseAuction.decide(&met, END), Ok(vec![won(1, ADA, 200, 400)]));
    }

    #[test]
    fn it_is_not_closed_before_its_extended_end() {
        let early = CloseAuction.decide(&given(&[]), END - DurationMs(1));
        assert_eq!(early, Err(CloseAuctionRefusal::TooEarly { ends_at: END }));
        let create = CreateAuction { soft_close: Some(soft_close()), ..create() };
        let auction = given_terms(&create, &[placed(1, ADA, 300), extended()]);
        let ends_at = END + DurationMs::seconds(30);
        assert_eq!(CloseAuction.decide(&auction, END), Err(CloseAuctionRefusal::TooEarly { ends_at }));
        assert!(CloseAuction.decide(&auction, ends_at).is_ok());
    }

    #[test]
    fn a_result_is_final() {
        let closed = given(&[placed(1, ADA, 300), won(1, ADA, 300, 300)]);
        assert_eq!(CloseAuction.decide(&closed, END), Err(BiddingNotOpen::Closed.into()));
        let cancelled = given(&[AuctionEvent::AuctionCancelled { by: None }]);
        assert_eq!(CloseAuction.decide(&cancelled, END), Err(BiddingNotOpen::Cancelled.into()));
    }
}
