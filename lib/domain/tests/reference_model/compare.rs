//! Whether the auction and the model agree, by all that the auction shows.

use crate::grounds::Ground;
use crate::model::{Model, ModelBid};
use crate::moves::{USERS, user};
use auction_domain::auction::{Auction, AuctionCommand, Bid, BidState, Draws, PlaceBid, Status};
use auction_domain::{Amount, BidId, Detail, Details, Refused, Timestamp, UserId};
use proptest::prelude::*;

/// The same answer? A refusal may tell any ground that holds.
pub(crate) fn same_answer(
    answer: &Result<Details, Refused>,
    modelled: &Result<Details, Vec<Ground>>,
) -> Result<(), TestCaseError> {
    match (answer, modelled) {
        (Ok(facts), Ok(expected)) => same_facts(facts, expected),
        (Err(refused), Err(grounds)) => {
            let ground = grounds.iter().find(|(code, _)| *code == refused.code);
            let Some((_, expected)) = ground else {
                return Err(TestCaseError::fail(format!("refused as {refused:?}, but holds: {grounds:?}")));
            };
            same_facts(&refused.facts, expected)
        }
        _ => Err(TestCaseError::fail(format!("answered {answer:?}, modelled {modelled:?}"))),
    }
}

/// The same facts, in whatever order they are shown?
fn same_facts(facts: &Details, expected: &Details) -> Result<(), TestCaseError> {
    let by_name = |facts: &Details| {
        let mut facts = facts.clone();
        facts.sort_by_key(|(name, _)| *name);
        facts
    };
    prop_assert_eq!(by_name(facts), by_name(expected));
    Ok(())
}

/// The same state?
pub(crate) fn same_state(auction: Option<&Auction>, model: Option<&Model>) -> Result<(), TestCaseError> {
    let (Some(auction), Some(model)) = (auction, model) else {
        prop_assert_eq!(auction.is_some(), model.is_some());
        return Ok(());
    };
    prop_assert_eq!(auction.version(), model.version);
    prop_assert_eq!(auction.status(), model.status);
    prop_assert_eq!(auction.terms().starts_at, Timestamp(model.starts_at));
    prop_assert_eq!(auction.ends_at(), Timestamp(model.ends_at));
    let standing = model.standing();
    let shown: Vec<_> = auction.standing().map(|bid| (bid.id, bid.effective().minor_units())).collect();
    let expected: Vec<_> = standing.iter().map(|bid| (bid.id, bid.counts_for())).collect();
    prop_assert_eq!(shown, expected);
    for (better, bid) in standing.iter().enumerate() {
        prop_assert_eq!(rank(auction, bid.id), better as u64 + 1, "of {:?}", bid);
    }
    prop_assert_eq!(auction.leader().map(|bid| bid.id), standing.first().map(|bid| bid.id));
    prop_assert_eq!(auction.live_bids(), standing.len());
    let bidders = |user: &u8| standing.iter().any(|bid| bid.bidder == self::user(*user));
    prop_assert_eq!(auction.live_bidders(), (0..USERS).filter(bidders).count());
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

/// The rank that the bidder is told.
pub(crate) fn rank(auction: &Auction, bid: BidId) -> u64 {
    let Some(Bid { bidder, amount, .. }) = auction.bid(bid).copied() else { return 0 };
    let told = AuctionCommand::PlaceBid(PlaceBid { bid, bidder, amount }).facts(auction);
    told.iter()
        .find_map(|fact| if let ("rank", Detail::Count(rank)) = *fact { Some(rank) } else { None })
        .unwrap()
}

type Shown = (BidId, UserId, u64, u64, BidState, i64);

fn shown_bid(bid: &Bid) -> Shown {
    let (face, effective) = (bid.amount.minor_units(), bid.effective().minor_units());
    (bid.id, bid.bidder, face, effective, bid.state, bid.placed_at.0)
}

fn modelled_bid(bid: &ModelBid) -> Shown {
    (bid.id, bid.bidder, bid.face, bid.counts_for(), bid.state, bid.placed_at)
}

/// All that an auction shows, for comparing two of them.
#[derive(Debug, PartialEq)]
pub(crate) struct Look {
    version: u64,
    status: Status,
    ends_at: Timestamp,
    standing: Vec<(Bid, u64)>,
    leader: Option<Bid>,
    live: (usize, usize),
    reserve_met: bool,
    bids: Vec<Vec<Bid>>,
    reserve: Option<Amount>,
    draws: Draws,
}

pub(crate) fn look(auction: &Auction) -> Look {
    Look {
        version: auction.version(),
        status: auction.status(),
        ends_at: auction.ends_at(),
        standing: auction.standing().map(|bid| (*bid, rank(auction, bid.id))).collect(),
        leader: auction.leader().copied(),
        live: (auction.live_bids(), auction.live_bidders()),
        reserve_met: auction.reserve_met(),
        bids: (0..USERS).map(|user| auction.bids_of(self::user(user)).copied().collect()).collect(),
        reserve: auction.terms().reserve,
        draws: *auction.draws(),
    }
}
