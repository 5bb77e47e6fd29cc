//! `CreateAuction`: offer something.

use super::{Auction, AuctionEvent, Promotion, SoftClose, Terms};
use crate::detail::Refusal;
use crate::{
    Amount, Currency, Description, Detail, Details, DurationMs, RefusedClass, Timestamp, Title, UserId,
};
use thiserror::Error;

/// Offer something; the id in the envelope is the auction's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateAuction {
    /// What it is.
    pub title: Title,
    /// More about it.
    pub description: Description,
    /// What all its amounts are in.
    pub currency: Currency,
    /// The least a first bid must be.
    pub opening_bid: Amount,
    /// Below this it is not sold.
    pub reserve: Option<Amount>,
    /// From then on bids are taken; at once if not given.
    pub starts_at: Option<Timestamp>,
    /// From then on no more.
    pub ends_at: Timestamp,
    /// Who sells, and may not bid.
    pub seller: Option<UserId>,
    /// Whether late changes of the lead extend it.
    pub soft_close: Option<SoftClose>,
    /// Within so long before the end no bid can be deleted.
    pub retraction_lock: DurationMs,
    /// Whether bids are drawn by lot and doubled.
    pub promotion: Option<Promotion>,
}

/// Why not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum CreateAuctionRefusal {
    /// There is an auction of that id.
    #[error("an auction of this id exists already")]
    AuctionExists,
    /// It would be over before it starts.
    #[error("the auction must end after it starts")]
    EndsBeforeItStarts {
        /// When it would start.
        starts_at: Timestamp,
        /// When it would end.
        ends_at: Timestamp,
    },
    /// It would be over already.
    #[error("the auction must end in the future")]
    EndsInThePast {
        /// When it would end.
        ends_at: Timestamp,
        /// The time of the command.
        now: Timestamp,
    },
    /// The reserve would be met by any bid.
    #[error("the reserve must be above the opening bid")]
    ReserveBelowOpeningBid {
        /// The least a first bid must be.
        opening_bid: Amount,
    },
}

impl Refusal for CreateAuctionRefusal {
    fn code(&self) -> &'static str {
        match self {
            CreateAuctionRefusal::AuctionExists => "auction_exists",
            CreateAuctionRefusal::EndsBeforeItStarts { .. } => "ends_before_it_starts",
            CreateAuctionRefusal::EndsInThePast { .. } => "ends_in_the_past",
            CreateAuctionRefusal::ReserveBelowOpeningBid { .. } => "reserve_below_opening_bid",
        }
    }
    fn class(&self) -> RefusedClass {
        match self {
            CreateAuctionRefusal::AuctionExists => RefusedClass::Conflict,
            _ => RefusedClass::Invalid,
        }
    }
    fn facts(&self) -> Details {
        match *self {
            CreateAuctionRefusal::AuctionExists => Details::new(),
            CreateAuctionRefusal::EndsBeforeItStarts { starts_at, ends_at } => {
                vec![("starts_at", Detail::Time(starts_at)), ("ends_at", Detail::Time(ends_at))]
            }
            CreateAuctionRefusal::EndsInThePast { ends_at, now } => {
                vec![("ends_at", Detail::Time(ends_at)), ("now", Detail::Time(now))]
            }
            CreateAuctionRefusal::ReserveBelowOpeningBid { opening_bid } => {
                vec![("opening_bid", Detail::Amount(opening_bid))]
            }
        }
    }
}

impl CreateAuction {
    pub(super) fn decide(
        &self,
        auction: Option<&Auction>,
        at: Timestamp,
    ) -> Result<Vec<AuctionEvent>, CreateAuctionRefusal> {
        let (starts_at, ends_at) = (self.starts_at.unwrap_or(at), self.ends_at);
        if auction.is_some() {
            return Err(CreateAuctionRefusal::AuctionExists);
        }
        if ends_at <= at {
            return Err(CreateAuctionRefusal::EndsInThePast { ends_at, now: at });
        }
        if ends_at <= starts_at {
            return Err(CreateAuctionRefusal::EndsBeforeItStarts { starts_at, ends_at });
        }
        if self.reserve.is_some_and(|reserve| reserve <= self.opening_bid) {
            return Err(CreateAuctionRefusal::ReserveBelowOpeningBid { opening_bid: self.opening_bid });
        }
        Ok(vec![AuctionEvent::AuctionCreated {
            title: self.title.clone(),
            description: self.description.clone(),
            terms: Terms {
                currency: self.currency,
                opening_bid: self.opening_bid,
                reserve: self.reserve,
                starts_at,
                ends_at,
                seller: self.seller,
                soft_close: self.soft_close,
                retraction_lock: self.retraction_lock,
                promotion: self.promotion,
            },
        }])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auction::fixtures::{self, AT, given};

    #[test]
    fn starts_at_the_time_of_the_command_unless_said_otherwise() {
        let create = CreateAuction { starts_at: None, ..fixtures::create() };
        let events = create.decide(None, AT).unwrap();
        let [AuctionEvent::AuctionCreated { terms, .. }] = &events[..] else { panic!("{events:?}") };
        assert_eq!((terms.starts_at, terms.ends_at), (AT, create.ends_at));
    }

    #[test]
    fn an_auction_is_created_once() {
        let refused = fixtures::create().decide(Some(&given(&[])), AT);
        assert_eq!(refused, Err(CreateAuctionRefusal::AuctionExists));
    }

    #[test]
    fn an_auction_ends_after_it_starts_and_in_the_future() {
        let past = CreateAuction { ends_at: AT, ..fixtures::create() };
        assert_eq!(past.decide(None, AT), Err(CreateAuctionRefusal::EndsInThePast { ends_at: AT, now: AT }));
        let start = AT + DurationMs(10);
        let never = CreateAuction { starts_at: Some(start), ends_at: start, ..fixtures::create() };
        assert_eq!(
            never.decide(None, AT),
            Err(CreateAuctionRefusal::EndsBeforeItStarts { starts_at: start, ends_at: start })
        );
    }

    #[test]
    fn a_reserve_is_above_the_opening_bid() {
        let opening_bid = fixtures::create().opening_bid;
        let create = CreateAuction { reserve: Some(opening_bid), ..fixtures::create() };
        assert_eq!(
            create.decide(None, AT),
            Err(CreateAuctionRefusal::ReserveBelowOpeningBid { opening_bid })
        );
    }
}
