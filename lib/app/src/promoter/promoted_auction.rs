//! Auction with draws, and the input of a draw.

use super::DrawOptions;
use auction_domain::auction::{Auction, AuctionEvent, Draw, Proof, Seed, Status};
use auction_domain::{AuctionId, BidId, Timestamp, UserId};
use auction_promoter::{CandidateBid, DrawContext, OptionError, Selection};
use std::collections::HashSet;
use uuid::Uuid;

/// Namespace of the ids of draws.
const DRAWS: Uuid = Uuid::from_u128(0x9d31_5b7e_c840_5a26_8f0c_14e7_62da_b953);

/// Promoted auction, with the input of the last draw that became due.
#[derive(Clone, Debug)]
pub struct PromotedAuction {
    id: AuctionId,
    auction: Auction,
    /// Input of the last due draw, if it is not recorded and later events were applied.
    captured: Option<DrawInput>,
    due: u64,
}

/// Input of a draw: the auction when the draw became due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DrawInput {
    auction: AuctionId,
    /// Number of the draw.
    pub number: u64,
    /// Version of the auction.
    pub at_version: u64,
    due_at: Timestamp,
    ends_at: Timestamp,
    doublings: u32,
    bids: Vec<CandidateBid>,
}

impl PromotedAuction {
    /// Creates the auction from its first event; `None` if it is not promoted.
    pub fn created(id: AuctionId, event: &AuctionEvent, at: Timestamp) -> Option<PromotedAuction> {
        let mut auction = None;
        Auction::apply(&mut auction, event, at);
        let auction = auction.filter(|auction| auction.terms().promotion.is_some())?;
        Some(PromotedAuction { id, due: 0, captured: None, auction })
    }

    /// Applies the next event.
    pub fn apply(&mut self, event: &AuctionEvent, at: Timestamp) {
        self.advance_to(at);
        self.auction.fold(event, at);
        if self.captured.as_ref().is_some_and(|input| input.number <= self.auction.draws().recorded) {
            self.captured = None;
        }
    }

    /// Captures the input of a draw that became due before `at`, the time of the next event.
    pub fn advance_to(&mut self, at: Timestamp) {
        let due = self.auction.terms().draws_due(at);
        if due > self.due && self.auction.status() == Status::Open {
            self.due = due;
            self.captured = Some(self.capture(due));
        }
    }

    /// Returns the input of a draw, which must be the last one that is due.
    pub fn draw_input(&self, number: u64) -> DrawInput {
        match &self.captured {
            Some(input) if input.number == number => input.clone(),
            _ => self.capture(number),
        }
    }

    /// Returns the version of the auction in the input of a draw.
    pub fn version_for(&self, number: u64) -> u64 {
        let captured = self.captured.as_ref().filter(|input| input.number == number);
        captured.map_or(self.auction.version(), |input| input.at_version)
    }

    pub fn auction(&self) -> &Auction {
        &self.auction
    }

    pub fn id(&self) -> AuctionId {
        self.id
    }

    fn capture(&self, number: u64) -> DrawInput {
        let auction = &self.auction;
        let leader = auction.leader().map(|bid| bid.bidder);
        let doubled = || auction.bids().iter().filter(|bid| bid.is_doubled());
        let doubled_bidders: HashSet<UserId> = doubled().map(|bid| bid.bidder).collect();
        let bids = auction.bids().iter().filter(|bid| bid.is_active()).map(|bid| CandidateBid {
            placed_at: bid.placed_at.0,
            doubled: bid.is_doubled(),
            bidder_leads: Some(bid.bidder) == leader,
            bidder_doubled: doubled_bidders.contains(&bid.bidder),
            ..CandidateBid::new(bid.id.0, bid.bidder.0, bid.amount.minor_units())
        });
        DrawInput {
            auction: self.id,
            number,
            at_version: auction.version(),
            due_at: auction.terms().draw_due_at(number),
            ends_at: auction.ends_at(),
            doublings: u32::try_from(doubled().count()).unwrap_or(u32::MAX),
            bids: bids.collect(),
        }
    }
}

impl DrawInput {
    /// Computes the result of the draw.
    pub fn hold(&self, options: &DrawOptions, seed: Seed) -> Result<Draw, OptionError> {
        let name = format!("{}/{}", self.auction, self.number);
        let result = options.promoter(auction_promoter::Seed(seed.0))?.draw(&DrawContext {
            draw: Uuid::new_v5(&DRAWS, name.as_bytes()),
            position: self.at_version,
            due_at: self.due_at.0,
            ends_at: self.ends_at.0,
            doublings: self.doublings,
            bids: &self.bids,
        });
        Ok(Draw {
            number: self.number,
            at_version: self.at_version,
            options: options.text().clone(),
            settings_version: options.version(),
            eligible: result.eligible,
            chosen: match result.selection {
                Selection::Bid(bid) => Some(BidId(bid)),
                Selection::NoBid(_) => None,
            },
            proof: Proof(result.proof),
        })
    }
}
