//! `CancelAuction`: call an auction off.

use super::{Auction, AuctionEvent, BiddingNotOpen};
use crate::detail::Refusal;
use crate::{Actor, Details, RefusedClass};
use thiserror::Error;

/// Call the auction off, by the seller or the house, until it is closed. Nobody wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CancelAuction;

/// Why not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum CancelAuctionRefusal {
    /// The result is final.
    #[error(transparent)]
    NotOpen(#[from] BiddingNotOpen),
    /// It is somebody else's auction.
    #[error("only the seller or the house can cancel an auction")]
    NotYourAuction,
}

impl Refusal for CancelAuctionRefusal {
    fn code(&self) -> &'static str {
        match self {
            CancelAuctionRefusal::NotOpen(not_open) => not_open.code(),
            CancelAuctionRefusal::NotYourAuction => "not_your_auction",
        }
    }
    fn class(&self) -> RefusedClass {
        match self {
            CancelAuctionRefusal::NotOpen(_) => RefusedClass::Conflict,
            CancelAuctionRefusal::NotYourAuction => RefusedClass::Forbidden,
        }
    }
    fn facts(&self) -> Details {
        match self {
            CancelAuctionRefusal::NotOpen(not_open) => not_open.facts(),
            CancelAuctionRefusal::NotYourAuction => Details::new(),
        }
    }
}

impl CancelAuction {
    pub(super) fn decide(
        &self,
        auction: &Auction,
        actor: Actor,
    ) -> Result<Vec<AuctionEvent>, CancelAuctionRefusal> {
        if !auction.is_run_by(actor) {
            return Err(CancelAuctionRefusal::NotYourAuction);
        }
        auction.check_not_final()?;
        Ok(vec![AuctionEvent::AuctionCancelled { by: Some(actor) }])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::OperatorId;
    use crate::auction::fixtures::*;

    #[test]
    fn the_seller_and_the_house_cancel_it_and_nobody_else() {
        let auction = given(&[placed(1, ADA, 300)]);
        for actor in [Actor::User(SUE), Actor::Operator(OperatorId::Unidentified), Actor::Portal] {
            let cancelled = CancelAuction.decide(&auction, actor);
            assert_eq!(cancelled, Ok(vec![AuctionEvent::AuctionCancelled { by: Some(actor) }]));
        }
        assert_eq!(
            CancelAuction.decide(&auction, Actor::User(ADA)),
            Err(CancelAuctionRefusal::NotYourAuction)
        );
    }

    #[test]
    fn an_auction_is_cancelled_once() {
        let auction = given(&[AuctionEvent::AuctionCancelled { by: None }]);
        let again = CancelAuction.decide(&auction, Actor::User(SUE));
        assert_eq!(again, Err(BiddingNotOpen::Cancelled.into()));
    }
}
