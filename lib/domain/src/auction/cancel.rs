//! `CancelAuction`: cancels an auction.

use super::{Auction, AuctionEvent, BiddingNotOpen};
use crate::detail::Refusal;
use crate::{Actor, Details, RefusalClass};
use thiserror::Error;

/// Cancels the auction without a winner. Allowed to the seller, operators and the portal, until the auction
/// is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CancelAuction;

/// Reasons a [`CancelAuction`] command is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum CancelAuctionRefusal {
    #[error(transparent)]
    NotOpen(#[from] BiddingNotOpen),
    #[error("only the seller or an operator can cancel an auction")]
    NotYourAuction,
}

impl Refusal for CancelAuctionRefusal {
    fn code(&self) -> &'static str {
        match self {
            CancelAuctionRefusal::NotOpen(not_open) => not_open.code(),
            CancelAuctionRefusal::NotYourAuction => "not_your_auction",
        }
    }
    fn class(&self) -> RefusalClass {
        match self {
            CancelAuctionRefusal::NotOpen(_) => RefusalClass::Conflict,
            CancelAuctionRefusal::NotYourAuction => RefusalClass::Forbidden,
        }
    }
    fn details(&self) -> Details {
        match self {
            CancelAuctionRefusal::NotOpen(not_open) => not_open.details(),
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
        if !auction.is_managed_by(actor) {
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
    fn auction_is_cancelled_by_seller_operator_or_portal_only() {
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
    fn auction_is_cancelled_once() {
        let auction = given(&[AuctionEvent::AuctionCancelled { by: None }]);
        let again = CancelAuction.decide(&auction, Actor::User(SUE));
        assert_eq!(again, Err(BiddingNotOpen::Cancelled.into()));
    }
}
