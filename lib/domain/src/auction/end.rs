//! `EndAuction`: ends bidding early.

use super::refusal::*;
use super::{Auction, AuctionEvent, Decision};
use crate::{Actor, Timestamp};

/// Ends bidding at the time of the command, without a soft close. Allowed to the seller, operators and the
/// portal. [`super::CloseAuction`] determines the result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EndAuction;

refusals! {
    for EndAuction: UnknownSender, UnknownAuction, VersionConflict, NotYourAuction, AuctionNotStarted,
        AuctionEnded, AuctionClosed, AuctionCancelled;
}

impl Auction {
    /// Whether the sender is allowed to end or cancel the auction.
    pub(super) fn is_managed_by(&self, actor: Actor) -> bool {
        actor.is_privileged() || self.terms.seller.is_some_and(|seller| actor == Actor::User(seller))
    }
}

impl EndAuction {
    pub(super) fn decide(&self, auction: &Auction, actor: Actor, at: Timestamp) -> Decision {
        if !auction.is_managed_by(actor) {
            return Err(NotYourAuction.into());
        }
        auction.check_open(at)?;
        Ok(vec![AuctionEvent::AuctionEnded { ends_at: at, by: Some(actor) }])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::DurationMs;
    use crate::OperatorId;
    use crate::auction::CreateAuction;
    use crate::auction::fixtures::*;

    #[test]
    fn auction_is_ended_by_seller_operator_or_portal_only() {
        let auction = given(&[placed(1, ADA, 300)]);
        let now = AT + DurationMs(5);
        for actor in [Actor::User(SUE), Actor::Operator(OperatorId::Unidentified), Actor::Portal] {
            let ended = EndAuction.decide(&auction, actor, now);
            assert_eq!(ended, Ok(vec![AuctionEvent::AuctionEnded { ends_at: now, by: Some(actor) }]));
        }
        assert_eq!(EndAuction.decide(&auction, Actor::User(ADA), now), Err(NotYourAuction.into()));
    }

    #[test]
    fn early_end_is_not_extended_by_a_soft_close() {
        let create = CreateAuction { soft_close: Some(soft_close()), ..create() };
        let auction = given_terms(&create, &[AuctionEvent::AuctionEnded { ends_at: AT, by: None }]);
        assert_eq!(auction.ends_at(), AT);
        assert_eq!(auction.extension(Some(ADA), AT), None);
        assert_eq!(
            EndAuction.decide(&auction, Actor::User(SUE), AT),
            Err(AuctionEnded { ends_at: AT }.into())
        );
    }

    #[test]
    fn auction_without_seller_is_not_ended_by_users() {
        let auction = given_terms(&CreateAuction { seller: None, ..create() }, &[]);
        let refused = EndAuction.decide(&auction, Actor::User(SUE), AT);
        assert_eq!(refused, Err(NotYourAuction.into()));
    }
}
