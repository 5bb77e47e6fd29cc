//! An auction beside the oracle's model of it. Every command goes to both.

use crate::moves::{USERS, user};
use auction_domain::auction::{Auction, AuctionCommand, AuctionEvent, Bid, CreateAuction, PlaceBid};
use auction_domain::{
    Amount, Currency, Description, Detail, Details, DurationMs, RefusalInfo, Timestamp, Title,
};
use auction_oracle::auction::{AuctionModel, SentCommand, effective, send};
use proptest::prelude::*;
use std::collections::BTreeSet;

/// Events and details of an accepted command, or its refusal.
pub(crate) type Outcome = Result<(Vec<AuctionEvent>, Details), RefusalInfo>;

/// Auction with its model and all its events.
#[derive(Default)]
pub(crate) struct Run {
    pub(crate) auction: Option<Auction>,
    pub(crate) model: Option<AuctionModel>,
    pub(crate) events: Vec<(AuctionEvent, Timestamp)>,
}

/// Returns the simplest auction.
pub(crate) fn creation(opening_bid: Amount, ends_at: Timestamp) -> CreateAuction {
    CreateAuction {
        title: Title::new("A thing").unwrap(),
        description: Description::new("").unwrap(),
        currency: Currency::new("EUR").unwrap(),
        opening_bid,
        reserve: None,
        starts_at: None,
        ends_at,
        seller: None,
        soft_close: None,
        retraction_lock: DurationMs(0),
        promotion: None,
    }
}

/// Executes a command on an auction.
pub(crate) fn execute(auction: &mut Option<Auction>, sent: &SentCommand) -> Outcome {
    let events = sent.command.decide(auction.as_ref(), sent.actor, sent.expected_version, sent.at)?;
    events.iter().for_each(|event| Auction::apply(auction, event, sent.at));
    let details = auction.as_ref().map_or(Details::new(), |auction| sent.command.details(auction));
    Ok((events, details))
}

impl Run {
    /// Executes a command. Fails if the model has other events, other details or another refusal.
    pub(crate) fn send(&mut self, sent: &SentCommand) -> Result<Outcome, TestCaseError> {
        let outcome = execute(&mut self.auction, sent);
        let predicted = send(&mut self.model, sent).map(|events| {
            (events, self.model.as_ref().map_or(Details::new(), |model| model.details(&sent.command)))
        });
        let shown = outcome.clone().map_err(|refused| (refused.code, refused.details));
        prop_assert_eq!(shown, predicted, "after {:?}", sent);
        if let Ok((events, _)) = &outcome {
            self.events.extend(events.iter().map(|event| (event.clone(), sent.at)));
        }
        Ok(outcome)
    }

    /// Checks that the auction shows what the model shows.
    pub(crate) fn check(&self) -> Result<(), TestCaseError> {
        check(self.auction.as_ref(), self.model.as_ref())
    }
}

/// Checks that an auction shows what the model shows.
pub(crate) fn check(auction: Option<&Auction>, model: Option<&AuctionModel>) -> Result<(), TestCaseError> {
    let (Some(auction), Some(model)) = (auction, model) else {
        prop_assert_eq!(auction.is_some(), model.is_some());
        return Ok(());
    };
    prop_assert_eq!(auction.version(), model.version());
    prop_assert_eq!(auction.status(), model.status);
    prop_assert_eq!(auction.terms(), &model.terms);
    prop_assert_eq!(auction.ends_at(), model.ends_at);
    prop_assert_eq!(auction.draws().recorded, model.draws);
    prop_assert_eq!(auction.draws().seed.is_some(), model.is_revealed);
    prop_assert_eq!(auction.reserve_met(), model.reserve_met());
    let ranking = model.ranking();
    let shown = auction.ranking().map(|bid| (bid.id, bid.effective().minor_units(), rank(auction, bid)));
    let expected = ranking.iter().zip(1..).map(|(bid, rank)| (bid.id, effective(bid), rank));
    prop_assert!(
        shown.eq(expected),
        "ranking {:?}, expected {:?}",
        auction.ranking().collect::<Vec<_>>(),
        ranking
    );
    prop_assert_eq!(auction.leader(), ranking.first());
    prop_assert_eq!(auction.active_bid_count(), ranking.len());
    let bidders: BTreeSet<_> = ranking.iter().map(|bid| bid.bidder).collect();
    prop_assert_eq!(auction.active_bidder_count(), bidders.len());
    prop_assert_eq!(auction.bids(), &model.bids);
    prop_assert!(model.bids.iter().all(|bid| auction.bid(bid.id) == Some(bid)), "bids by id");
    for user in (0..USERS).map(user) {
        let own = model.bids.iter().filter(|bid| bid.bidder == user);
        prop_assert!(auction.bids_of(user).eq(own), "bids of {}", user);
    }
    Ok(())
}

/// Returns the rank in the outcome of placing the bid.
fn rank(auction: &Auction, bid: &Bid) -> u64 {
    let place = PlaceBid { bid: bid.id, bidder: bid.bidder, amount: bid.amount };
    let details = AuctionCommand::PlaceBid(place).details(auction);
    let rank =
        |(name, value)| if let ("rank", Detail::Count(rank)) = (name, value) { Some(rank) } else { None };
    details.into_iter().find_map(rank).unwrap()
}
