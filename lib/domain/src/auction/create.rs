//! `CreateAuction`: creates an auction.

use super::{Auction, AuctionEvent, Promotion, SoftClose, Terms};
use crate::detail::Refusal;
use crate::{
    Amount, Currency, Description, Detail, Details, DurationMs, RefusalClass, Timestamp, Title, UserId,
};
use thiserror::Error;

/// Creates an auction. The id of the command's aggregate is the id of the auction. [`Terms`] explains the
/// fields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateAuction {
    pub title: Title,
    pub description: Description,
    pub currency: Currency,
    pub opening_bid: Amount,
    pub reserve: Option<Amount>,
    /// Start of bidding; the time of the command if absent.
    pub starts_at: Option<Timestamp>,
    pub ends_at: Timestamp,
    pub seller: Option<UserId>,
    pub soft_close: Option<SoftClose>,
    pub retraction_lock: DurationMs,
    pub promotion: Option<Promotion>,
}

/// Reasons a [`CreateAuction`] command is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum CreateAuctionRefusal {
    #[error("an auction with this id already exists")]
    AuctionExists,
    #[error("the auction must end after it starts")]
    EndsBeforeItStarts { starts_at: Timestamp, ends_at: Timestamp },
    #[error("the auction must end in the future")]
    EndsInThePast {
        ends_at: Timestamp,
        /// Time of the command.
        now: Timestamp,
    },
    /// Any bid would meet the reserve price.
    #[error("the reserve price must be above the opening bid")]
    ReserveBelowOpeningBid { opening_bid: Amount },
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
    fn class(&self) -> RefusalClass {
        match self {
            CreateAuctionRefusal::AuctionExists => RefusalClass::Conflict,
            _ => RefusalClass::Invalid,
        }
    }
    fn details(&self) -> Details {
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
    fn auction_starts_at_the_time_of_the_command_by_default() {
        let create = CreateAuction { starts_at: None, ..fixtures::create() };
        let events = create.decide(None, AT).unwrap();
        let [AuctionEvent::AuctionCreated { terms, .. }] = &events[..] else { panic!("{events:?}") };
        assert_eq!((terms.starts_at, terms.ends_at), (AT, create.ends_at));
    }

    #[test]
    fn auction_is_created_once() {
        let refused = fixtures::create().decide(Some(&given(&[])), AT);
        assert_eq!(refused, Err(CreateAuctionRefusal::AuctionExists));
    }

    #[test]
    fn auction_ends_after_its_start_and_in_the_future() {
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
    fn reserve_is_above_the_opening_bid() {
        let opening_bid = fixtures::create().opening_bid;
        let create = CreateAuction { reserve: Some(opening_bid), ..fixtures::create() };
        assert_eq!(
            create.decide(None, AT),
            Err(CreateAuctionRefusal::ReserveBelowOpeningBid { opening_bid })
        );
    }
}
