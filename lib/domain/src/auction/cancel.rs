//! `CancelAuction`: cancels an auction.

use super::refusal::*;
use super::{Auction, AuctionEvent, Decision};
use crate::Actor;

/// Cancels the auction without a winner. Allowed to the seller, operators and the portal, until the auction
/// is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CancelAuction;

refusals! {
    for CancelAuction: UnknownSender, UnknownAuction, VersionConflict, NotYourAuction, AuctionClosed,
        AuctionCancelled;
}

impl CancelAuction {
    pub(super) fn decide(&self, auction: &Auction, actor: Actor) -> Decision {
        if !auction.is_managed_by(actor) {
            return Err(NotYourAuction.into());
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
        assert_eq!(CancelAuction.decide(&auction, Actor::User(ADA)), Err(NotYourAuction.into()));
    }

    #[test]
    fn auction_is_cancelled_once() {
        let auction = given(&[AuctionEvent::AuctionCancelled { by: None }]);
        let again = CancelAuction.decide(&auction, Actor::User(SUE));
        assert_eq!(again, Err(AuctionCancelled.into()));
    }
}
