//! `PlaceBid`: places a bid.

use super::refusal::*;
use super::{Auction, AuctionEvent, Decision};
use crate::{Amount, BidId, Detail, Details, Timestamp, UserId};

/// Places a bid. The amount may be below the highest bid of the auction, but must be above the bidder's
/// latest active bid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlaceBid {
    /// Id of the new bid.
    pub bid: BidId,
    pub bidder: UserId,
    pub amount: Amount,
}

refusals! {
    for PlaceBid: UnknownSender, UnknownAuction, VersionConflict, AuctionNotStarted, AuctionEnded,
        AuctionClosed, AuctionCancelled;
    SellerMayNotBid = Forbidden("seller_may_not_bid", "sellers cannot bid in their own auctions",
        "Do not repeat the request.");
    BidExists = Conflict("bid_exists", "a bid with this id already exists",
        "Send the request with a new Idempotency-Key.");
    BelowOpeningBid = Conflict("below_opening_bid", "the bid must be at least the opening bid",
        "Bid `minimum` or more.") { minimum: Amount = "smallest amount that is accepted" };
    NotAboveYourLatest = Conflict("not_above_your_latest", "the bid must be above your latest active bid",
        "Bid `minimum` or more, or delete the latest bid first. A bid can be below the bids of others.") {
            your_latest: Amount = "amount of the bidder's latest active bid",
            minimum: Amount = "smallest amount that is accepted",
        };
}

impl PlaceBid {
    pub(super) fn decide(&self, auction: &Auction, at: Timestamp) -> Decision {
        auction.check_open(at)?;
        if auction.terms.seller == Some(self.bidder) {
            return Err(SellerMayNotBid.into());
        }
        if auction.bid(self.bid).is_some() {
            return Err(BidExists.into());
        }
        if self.amount < auction.terms.opening_bid {
            return Err(BelowOpeningBid { minimum: auction.terms.opening_bid }.into());
        }
        let latest = auction.bids.active_of(self.bidder).next_back().map(|bid| bid.amount);
        if let Some(your_latest) = latest.filter(|latest| self.amount <= *latest) {
            return Err(NotAboveYourLatest { your_latest, minimum: your_latest.next() }.into());
        }
        let PlaceBid { bid, bidder, amount } = *self;
        let leads = auction.leader().is_none_or(|leader| amount > leader.effective());
        let extension = leads.then(|| auction.extension(Some(bidder), at)).flatten();
        Ok([AuctionEvent::BidPlaced { bid, bidder, amount }].into_iter().chain(extension).collect())
    }

    pub(super) fn details(&self, after: &Auction) -> Details {
        let Some(leader) = after.leader() else { return Details::new() };
        let rank = after.bids.rank(self.bid).unwrap_or_default();
        vec![
            ("amount", Detail::Amount(self.amount)),
            ("rank", Detail::Count(rank as u64)),
            ("leads", Detail::Flag(leader.id == self.bid)),
            ("highest", Detail::Amount(leader.effective())),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::DurationMs;
    use crate::auction::fixtures::*;
    use crate::auction::{CreateAuction, Winner};

    fn bids(bidder: UserId, minor_units: u64) -> PlaceBid {
        PlaceBid { bid: bid(99), bidder, amount: amount(minor_units) }
    }

    fn accepted(bidder: UserId, minor_units: u64) -> Decision {
        Ok(vec![placed(99, bidder, minor_units)])
    }

    #[test]
    fn first_bid_is_at_least_the_opening_bid() {
        let auction = given(&[]);
        assert_eq!(bids(ADA, 100).decide(&auction, AT), accepted(ADA, 100));
        assert_eq!(bids(ADA, 99).decide(&auction, AT), Err(BelowOpeningBid { minimum: amount(100) }.into()));
    }

    #[test]
    fn bid_is_above_the_bidders_latest_but_maybe_not_the_highest() {
        let auction = given(&[placed(1, ADA, 500), placed(2, BOB, 200)]);
        assert_eq!(bids(BOB, 201).decide(&auction, AT), accepted(BOB, 201));
        assert_eq!(
            bids(BOB, 200).decide(&auction, AT),
            Err(NotAboveYourLatest { your_latest: amount(200), minimum: amount(201) }.into())
        );
    }

    #[test]
    fn deleted_bid_is_not_the_latest() {
        let auction = given(&[placed(1, ADA, 300), placed(2, ADA, 500), deleted(2, ADA)]);
        assert_eq!(bids(ADA, 301).decide(&auction, AT), accepted(ADA, 301));
        assert!(bids(ADA, 300).decide(&auction, AT).is_err());
    }

    #[test]
    fn doubled_bid_is_compared_by_its_face_amount() {
        let auction = given(&[placed(1, ADA, 300), doubled(1, ADA, 600)]);
        assert_eq!(bids(ADA, 301).decide(&auction, AT), accepted(ADA, 301));
    }

    #[test]
    fn bids_are_accepted_from_the_start_until_just_before_the_end() {
        let auction = given(&[]);
        let early = bids(ADA, 100).decide(&auction, AT - DurationMs(1));
        assert_eq!(early, Err(AuctionNotStarted { starts_at: AT }.into()));
        assert!(bids(ADA, 100).decide(&auction, END - DurationMs(1)).is_ok());
        assert_eq!(bids(ADA, 100).decide(&auction, END), Err(AuctionEnded { ends_at: END }.into()));
    }

    #[test]
    fn bids_are_refused_when_the_auction_is_closed_or_cancelled() {
        let winner = Winner { bid: bid(1), bidder: ADA, price: amount(300), effective: amount(300) };
        let closed = given(&[placed(1, ADA, 300), AuctionEvent::WinnerAnnounced(winner)]);
        assert_eq!(bids(BOB, 400).decide(&closed, AT), Err(AuctionClosed.into()));
        let cancelled = given(&[AuctionEvent::AuctionCancelled { by: None }]);
        assert_eq!(bids(BOB, 400).decide(&cancelled, AT), Err(AuctionCancelled.into()));
    }

    #[test]
    fn seller_may_not_bid() {
        assert_eq!(bids(SUE, 100).decide(&given(&[]), AT), Err(SellerMayNotBid.into()));
    }

    #[test]
    fn bid_with_the_same_id_is_placed_once() {
        let auction = given(&[placed(99, ADA, 300)]);
        assert_eq!(bids(ADA, 400).decide(&auction, AT), Err(BidExists.into()));
    }

    #[test]
    fn late_change_of_leader_extends_up_to_the_maximum() {
        let create = CreateAuction { soft_close: Some(soft_close()), ..create() };
        let late = END - DurationMs::seconds(10);
        let auction = given_terms(&create, &[placed(1, ADA, 300)]);
        let too_early = bids(BOB, 400).decide(&auction, late - DurationMs(1));
        assert_eq!(too_early, accepted(BOB, 400));
        assert_eq!(
            bids(BOB, 400).decide(&auction, late),
            Ok(vec![placed(99, BOB, 400), extended()]),
            "a new leader extends"
        );
        assert_eq!(bids(BOB, 300).decide(&auction, late), accepted(BOB, 300), "a tie does not extend");
        assert_eq!(bids(BOB, 200).decide(&auction, late), accepted(BOB, 200), "nor does a lower bid");
        assert_eq!(
            bids(ADA, 400).decide(&auction, late),
            accepted(ADA, 400),
            "nor does a raise by the leader"
        );

        let spent = given_terms(&create, &[placed(1, ADA, 300), extended()]);
        assert_eq!(spent.ends_at(), END + DurationMs::seconds(30));
        assert_eq!(bids(BOB, 400).decide(&spent, spent.ends_at() - DurationMs(1)), accepted(BOB, 400));
    }

    #[test]
    fn details_contain_rank_lead_and_highest_amount() {
        let auction = given(&[placed(1, ADA, 500), placed(2, BOB, 400), placed(99, CYD, 400)]);
        let details = bids(CYD, 400).details(&auction);
        assert!(
            details.contains(&("rank", Detail::Count(3))),
            "of equal amounts the first ranks higher: {details:?}"
        );
        assert!(details.contains(&("leads", Detail::Flag(false))));
        assert!(details.contains(&("highest", Detail::Amount(amount(500)))));
    }
}
