//! `EndAuction`: end bidding now.

use super::{Auction, AuctionEvent, BiddingNotOpen};
use crate::detail::Refusal;
use crate::{Actor, Details, RefusedClass, Timestamp};
use thiserror::Error;

/// End bidding at the time of the command, without a soft close. By the seller or the house; the result
/// follows when the auction is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EndAuction;

/// Why not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum EndAuctionRefusal {
    /// Bidding is not on.
    #[error(transparent)]
    NotOpen(#[from] BiddingNotOpen),
    /// It is somebody else's auction.
    #[error("only the seller or the house can end an auction")]
    NotYourAuction,
}

impl Refusal for EndAuctionRefusal {
    fn code(&self) -> &'static str {
        match self {
            EndAuctionRefusal::NotOpen(not_open) => not_open.code(),
            EndAuctionRefusal::NotYourAuction => "not_your_auction",
        }
    }
    fn class(&self) -> RefusedClass {
        match self {
            EndAuctionRefusal::NotOpen(_) => RefusedClass::Conflict,
            EndAuctionRefusal::NotYourAuction => RefusedClass::Forbidden,
        }
    }
    fn facts(&self) -> Details {
        match self {
            EndAuctionRefusal::NotOpen(not_open) => not_open.facts(),
            EndAuctionRefusal::NotYourAuction => Details::new(),
        }
    }
}

impl Auction {
    /// Whether the sender may end or cancel it.
    pub(super) fn is_run_by(&self, actor: Actor) -> bool {
        actor.is_privileged() || self.terms.seller.is_some_and(|seller| actor == Actor::User(seller))
    }
}

impl EndAuction {
    pub(super) fn decide(
        &self,
        auction: &Auction,
        actor: Actor,
        at: Timestamp,
    ) -> Result<Vec<AuctionEvent>, EndAuctionRefusal> {
        if !auction.is_run_by(actor) {
            return Err(EndAuctionRefusal::NotYourAuction);
        }
        auction.check_open(at)?;
        Ok(vec![AuctionEvent::AuctionEnded { ends_at: at, by: Some(actor) }])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::OperatorId;
    use crate::DurationMs;
    use crate::auction::CreateAuction;
    use crate::auction::fixtures::*;

    #[test]
    fn the_seller_and_the_house_end_it_now_and_nobody_else() {
        let auction = given(&[placed(1, ADA, 300)]);
        let now = AT + DurationMs(5);
        for actor in [Actor::User(SUE), Actor::Operator(OperatorId::Unidentified), Actor::Portal] {
            let ended = EndAuction.decide(&auction, actor, now);
            assert_eq!(ended, Ok(vec![AuctionEvent::AuctionEnded { ends_at: now, by: Some(actor) }]));
        }
        assert_eq!(
            EndAuction.decide(&auction, Actor::User(ADA), now),
            Err(EndAuctionRefusal::NotYourAuction)
        );
    }

    #[test]
    fn an_end_is_an_end_and_is_not_extended() {
        let create = CreateAuction { soft_close: Some(soft_close()), ..create() };
        let auction = given_terms(&create, &[AuctionEvent::AuctionEnded { ends_at: AT, by: None }]);
        assert_eq!(auction.ends_at(), AT);
        assert_eq!(auction.extension(Some(ADA), AT), None);
        assert_eq!(
            EndAuction.decide(&auction, Actor::User(SUE), AT),
            Err(BiddingNotOpen::Ended { ends_at: AT }.into())
        );
    }

    #[test]
    fn an_auction_of_the_house_is_not_ended_by_a_user() {
        let auction = given_terms(&CreateAuction { seller: None, ..create() }, &[]);
        let refused = EndAuction.decide(&auction, Actor::User(SUE), AT);
        assert_eq!(refused, Err(EndAuctionRefusal::NotYourAuction));
    }
}
