//! One auction with draws, and what a draw looks at.

use super::Options;
use auction_domain::auction::{Auction, AuctionEvent, Draw, Proof, Seed, Status};
use auction_domain::{AuctionId, BidId, Timestamp, UserId};
use auction_promoter::{DrawContext, EligibleBid, OptionError, Selection};
use std::collections::HashSet;
use uuid::Uuid;

/// Namespace of the ids of draws.
const DRAWS: Uuid = Uuid::from_u128(0x9d31_5b7e_c840_5a26_8f0c_14e7_62da_b953);

/// An auction, and how it was when the last draw became due.
#[derive(Clone, Debug)]
pub struct PromotedAuction {
    id: AuctionId,
    auction: Auction,
    /// As long as it is not held, and something has happened since.
    captured: Option<DrawInput>,
    due: u64,
}

/// What a draw looks at: the auction when the draw became due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DrawInput {
    auction: AuctionId,
    /// The number of the draw.
    pub number: u64,
    /// The version of the auction.
    pub at_version: u64,
    due_at: Timestamp,
    ends_at: Timestamp,
    promotions: u32,
    bids: Vec<EligibleBid>,
}

impl PromotedAuction {
    /// By its first event; none if it is not promoted.
    pub fn created(id: AuctionId, event: &AuctionEvent, at: Timestamp) -> Option<PromotedAuction> {
        let mut auction = None;
        Auction::apply(&mut auction, event, at);
        let auction = auction.filter(|auction| auction.terms().promotion.is_some())?;
        Some(PromotedAuction { id, due: 0, captured: None, auction })
    }

    /// Folds one more event.
    pub fn apply(&mut self, event: &AuctionEvent, at: Timestamp) {
        self.advance_to(at);
        self.auction.fold(event, at);
        if self.captured.as_ref().is_some_and(|look| look.number <= self.auction.draws().recorded) {
            self.captured = None;
        }
    }

    /// The next event is of that time: what the draw looks at that became due before it is kept.
    pub fn advance_to(&mut self, at: Timestamp) {
        let due = self.auction.terms().draws_due(at);
        if due > self.due && self.auction.status() == Status::Open {
            self.due = due;
            self.captured = Some(self.capture(due));
        }
    }

    /// What a draw looks at which is the last to be due by now.
    pub fn draw_input(&self, number: u64) -> DrawInput {
        match &self.captured {
            Some(look) if look.number == number => look.clone(),
            _ => self.capture(number),
        }
    }

    /// The version that it looks at.
    pub fn version_for(&self, number: u64) -> u64 {
        let frozen = self.captured.as_ref().filter(|look| look.number == number);
        frozen.map_or(self.auction.version(), |look| look.at_version)
    }

    /// The auction as it is now.
    pub fn auction(&self) -> &Auction {
        &self.auction
    }

    /// Its id.
    pub fn id(&self) -> AuctionId {
        self.id
    }

    fn capture(&self, number: u64) -> DrawInput {
        let auction = &self.auction;
        let leader = auction.leader().map(|bid| bid.bidder);
        let doubled = || auction.bids().iter().filter(|bid| bid.is_doubled());
        let promoted: HashSet<UserId> = doubled().map(|bid| bid.bidder).collect();
        let live = auction.bids().iter().filter(|bid| bid.is_live()).map(|bid| EligibleBid {
            placed_at: bid.placed_at.0,
            promoted: bid.is_doubled(),
            bidder_leads: Some(bid.bidder) == leader,
            bidder_promoted: promoted.contains(&bid.bidder),
            ..EligibleBid::new(bid.id.0, bid.bidder.0, bid.amount.minor_units())
        });
        DrawInput {
            auction: self.id,
            number,
            at_version: auction.version(),
            due_at: auction.terms().draw_due_at(number),
            ends_at: auction.ends_at(),
            promotions: u32::try_from(doubled().count()).unwrap_or(u32::MAX),
            bids: live.collect(),
        }
    }
}

impl DrawInput {
    /// Holds the draw.
    pub fn hold(&self, options: &Options, seed: Seed) -> Result<Draw, OptionError> {
        let name = format!("{}/{}", self.auction, self.number);
        let drawn = options.promoter(auction_promoter::Seed(seed.0))?.draw(&DrawContext {
            draw: Uuid::new_v5(&DRAWS, name.as_bytes()),
            position: self.at_version,
            due_at: self.due_at.0,
            ends_at: self.ends_at.0,
            promotions: self.promotions,
            bids: &self.bids,
        });
        Ok(Draw {
            number: self.number,
            at_version: self.at_version,
            options: options.text().clone(),
            settings_version: options.version(),
            eligible: drawn.eligible,
            chosen: match drawn.result {
                Selection::Bid(bid) => Some(BidId(bid)),
                Selection::Nobody(_) => None,
            },
            proof: Proof(drawn.proof),
        })
    }
}
