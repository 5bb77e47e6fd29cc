//! Comparison of the auction with the model, by everything that the auction shows.

use crate::grounds::Ground;
use crate::model::{Model, ModelBid};
use crate::moves::{USERS, user};
use auction_domain::auction::{Auction, AuctionCommand, Bid, BidState, Draws, PlaceBid, Status};
use auction_domain::{Amount, BidId, Detail, Details, RefusalInfo, Timestamp, UserId};
use proptest::prelude::*;

/// Checks that both accept or both refuse. The refusal can be any of the model's grounds.
pub(crate) fn check_outcome(
    outcome: &Result<Details, RefusalInfo>,
    modelled: &Result<Details, Vec<Ground>>,
) -> Result<(), TestCaseError> {
    match (outcome, modelled) {
        (Ok(details), Ok(expected)) => check_details(details, expected),
        (Err(refused), Err(grounds)) => {
            let ground = grounds.iter().find(|(code, _)| *code == refused.code);
            let Some((_, expected)) = ground else {
                return Err(TestCaseError::fail(format!(
                    "refused as {refused:?}, but the model has {grounds:?}"
                )));
            };
            check_details(&refused.details, expected)
        }
        _ => Err(TestCaseError::fail(format!("auction: {outcome:?}, model: {modelled:?}"))),
    }
}

/// Compares details in any order.
fn check_details(details: &Details, expected: &Details) -> Result<(), TestCaseError> {
    let by_name = |details: &Details| {
        let mut details = details.clone();
        details.sort_by_key(|(name, _)| *name);
        details
    };
    prop_assert_eq!(by_name(details), by_name(expected));
    Ok(())
}

pub(crate) fn check_state(auction: Option<&Auction>, model: Option<&Model>) -> Result<(), TestCaseError> {
    let (Some(auction), Some(model)) = (auction, model) else {
        prop_assert_eq!(auction.is_some(), model.is_some());
        return Ok(());
    };
    prop_assert_eq!(auction.version(), model.version);
    prop_assert_eq!(auction.status(), model.status);
    prop_assert_eq!(auction.terms().starts_at, Timestamp(model.starts_at));
    prop_assert_eq!(auction.ends_at(), Timestamp(model.ends_at));
    let ranking = model.ranking();
    let shown: Vec<_> = auction.ranking().map(|bid| (bid.id, bid.effective().minor_units())).collect();
    let expected: Vec<_> = ranking.iter().map(|bid| (bid.id, bid.effective())).collect();
    prop_assert_eq!(shown, expected);
    for (better, bid) in ranking.iter().enumerate() {
        prop_assert_eq!(rank(auction, bid.id), better as u64 + 1, "of {:?}", bid);
    }
    prop_assert_eq!(auction.leader().map(|bid| bid.id), ranking.first().map(|bid| bid.id));
    prop_assert_eq!(auction.active_bid_count(), ranking.len());
    let bidders = |user: &u8| ranking.iter().any(|bid| bid.bidder == self::user(*user));
    prop_assert_eq!(auction.active_bidder_count(), (0..USERS).filter(bidders).count());
    prop_assert_eq!(auction.reserve_met(), model.reserve_met());
    prop_assert_eq!(auction.draws().recorded, model.draws.len() as u64);
    prop_assert_eq!(auction.draws().seed.is_some(), model.revealed);
    for user in (0..USERS).map(user) {
        let own = model.bids.iter().filter(|bid| bid.bidder == user);
        let own: Vec<_> = own.map(modelled_bid).collect();
        prop_assert_eq!(auction.bids_of(user).map(shown_bid).collect::<Vec<_>>(), own);
    }
    for bid in &model.bids {
        prop_assert_eq!(auction.bid(bid.id).map(shown_bid), Some(modelled_bid(bid)));
    }
    Ok(())
}

/// Returns the rank in the outcome of placing the bid.
pub(crate) fn rank(auction: &Auction, bid: BidId) -> u64 {
    let Some(Bid { bidder, amount, .. }) = auction.bid(bid).copied() else { return 0 };
    let details = AuctionCommand::PlaceBid(PlaceBid { bid, bidder, amount }).details(auction);
    details
        .iter()
        .find_map(|detail| if let ("rank", Detail::Count(rank)) = *detail { Some(rank) } else { None })
        .unwrap()
}

type Shown = (BidId, UserId, u64, u64, BidState, i64);

fn shown_bid(bid: &Bid) -> Shown {
    let (face, effective) = (bid.amount.minor_units(), bid.effective().minor_units());
    (bid.id, bid.bidder, face, effective, bid.state, bid.placed_at.0)
}

fn modelled_bid(bid: &ModelBid) -> Shown {
    (bid.id, bid.bidder, bid.face, bid.effective(), bid.state, bid.placed_at)
}

/// Everything that an auction shows, to compare two auctions.
#[derive(Debug, PartialEq)]
pub(crate) struct Observation {
    version: u64,
    status: Status,
    ends_at: Timestamp,
    ranking: Vec<(Bid, u64)>,
    leader: Option<Bid>,
    active_counts: (usize, usize),
    reserve_met: bool,
    bids: Vec<Vec<Bid>>,
    reserve: Option<Amount>,
    draws: Draws,
}

pub(crate) fn observe(auction: &Auction) -> Observation {
    Observation {
        version: auction.version(),
        status: auction.status(),
        ends_at: auction.ends_at(),
        ranking: auction.ranking().map(|bid| (*bid, rank(auction, bid.id))).collect(),
        leader: auction.leader().copied(),
        active_counts: (auction.active_bid_count(), auction.active_bidder_count()),
        reserve_met: auction.reserve_met(),
        bids: (0..USERS).map(|user| auction.bids_of(self::user(user)).copied().collect()).collect(),
        reserve: auction.terms().reserve,
        draws: *auction.draws(),
    }
}
