//! `CreateAuction`: creates an auction.

use super::refusal::*;
use super::{Auction, AuctionEvent, Decision, Promotion, SoftClose, Terms};
use crate::{Amount, Currency, Description, DurationMs, Timestamp, Title, UserId};

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

refusals! {
    for CreateAuction: UnknownSender;
    AuctionExists = Conflict("auction_exists", "an auction with this id already exists",
        "Send the request with a new Idempotency-Key.");
    EndsBeforeItStarts = Invalid("ends_before_it_starts", "the auction must end after it starts",
        "Choose a later end.") {
            starts_at: Time = "requested start of bidding",
            ends_at: Time = "requested end of bidding",
        };
    EndsInThePast = Invalid("ends_in_the_past", "the auction must end in the future",
        "Choose a later end. Check your clock if the end should be in the future.") {
            ends_at: Time = "requested end of bidding",
            now: Time = "time of the portal when the command was decided",
        };
    ReserveBelowOpeningBid = Invalid("reserve_below_opening_bid",
        "the reserve price must be above the opening bid, as every bid would meet it",
        "Omit the reserve, or choose one above the opening bid.")
        { opening_bid: Amount = "smallest amount of the first bid" };
}

impl CreateAuction {
    pub(super) fn decide(&self, auction: Option<&Auction>, at: Timestamp) -> Decision {
        let (starts_at, ends_at) = (self.starts_at.unwrap_or(at), self.ends_at);
        if auction.is_some() {
            return Err(AuctionExists.into());
        }
        if ends_at <= at {
            return Err(EndsInThePast { ends_at, now: at }.into());
        }
        if ends_at <= starts_at {
            return Err(EndsBeforeItStarts { starts_at, ends_at }.into());
        }
        if self.reserve.is_some_and(|reserve| reserve <= self.opening_bid) {
            return Err(ReserveBelowOpeningBid { opening_bid: self.opening_bid }.into());
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
        assert_eq!(refused, Err(AuctionExists.into()));
    }

    #[test]
    fn auction_ends_after_its_start_and_in_the_future() {
        let past = CreateAuction { ends_at: AT, ..fixtures::create() };
        assert_eq!(past.decide(None, AT), Err(EndsInThePast { ends_at: AT, now: AT }.into()));
        let start = AT + DurationMs(10);
        let never = CreateAuction { starts_at: Some(start), ends_at: start, ..fixtures::create() };
        assert_eq!(
            never.decide(None, AT),
            Err(EndsBeforeItStarts { starts_at: start, ends_at: start }.into())
        );
    }

    #[test]
    fn reserve_is_above_the_opening_bid() {
        let opening_bid = fixtures::create().opening_bid;
        let create = CreateAuction { reserve: Some(opening_bid), ..fixtures::create() };
        assert_eq!(create.decide(None, AT), Err(ReserveBelowOpeningBid { opening_bid }.into()));
    }
}
