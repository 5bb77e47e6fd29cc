//! Auctions: terms, bids, draws and the result.
//!
//! ```text
//!             CreateAuction          EndAuction or `ends_at`
//!  (no state) ─────────────▶ open ───────────────────────▶ over ──CloseAuction──▶ closed
//!                             │                             │
//!                             └───────CancelAuction─────────┴──────────────────▶ cancelled
//! ```
//!
//! *Open* and *over* are both [`Status::Open`], before and after `ends_at`. *Closed* and *cancelled* are
//! final: no bid and no result changes after them. Only the seed of the draws is then still to be revealed
//! ([`RevealSeed`]).

mod bidding_window;
mod bids;
mod cancel;
mod close;
mod create;
mod delete_bid;
mod double_bid;
mod end;
mod event;
mod hold_draw;
mod place_bid;
mod promotion;
mod queries;
mod ranking;
mod refusal;
mod retract_bids;
mod reveal_seed;
mod terms;
mod void_bid;

#[cfg(test)]
mod fixtures;

pub use bids::{Bid, BidState};
pub use cancel::CancelAuction;
pub use close::CloseAuction;
pub use create::CreateAuction;
pub use delete_bid::DeleteBid;
pub use double_bid::DoubleBid;
pub use end::EndAuction;
pub use event::{AuctionEvent, BidChange, UnsoldReason};
pub use hold_draw::HoldDraw;
pub use place_bid::PlaceBid;
pub use promotion::{Commitment, Draw, Draws, Promotion, Proof, Seed};
pub use refusal::{UnknownAuction, UnknownBid, VersionConflict};
pub use retract_bids::RetractBids;
pub use reveal_seed::RevealSeed;
pub use terms::{SoftClose, Terms};
pub use void_bid::{Reason, VoidBid};

use crate::{Actor, Amount, BidId, Details, RefusalInfo, Timestamp, UserId};
use bids::Bids;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Not final: not started, open for bids, or over and not yet closed.
    Open,
    /// Final; `None` if the auction was not sold.
    Closed(Option<Winner>),
    /// Final, without a winner.
    Cancelled,
}

/// Result of a sold auction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Winner {
    pub bid: BidId,
    pub bidder: UserId,
    /// Amount that the winner pays: the face amount of the bid, even if the bid was doubled.
    pub price: Amount,
    /// Effective amount of the bid, by which it was ranked: twice the price if the bid was doubled.
    pub effective: Amount,
}

/// State of an auction: everything that decisions need.
#[derive(Clone, Debug)]
pub struct Auction {
    terms: Terms,
    ends_at: Timestamp,
    extensions: u32,
    status: Status,
    version: u64,
    bids: Bids,
    draws: Draws,
}

/// State of an [`Auction`] without the indexes that are derived from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuctionState {
    pub terms: Terms,
    /// End of bidding, including extensions.
    pub ends_at: Timestamp,
    /// Number of extensions so far.
    pub extensions: u32,
    pub status: Status,
    pub version: u64,
    pub draws: Draws,
    /// All bids, in the order of placement.
    pub bids: Vec<Bid>,
}

/// Events that a command causes, or its refusal.
pub type Decision = Result<Vec<AuctionEvent>, RefusalInfo>;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AuctionCommand {
    CreateAuction(Box<CreateAuction>),
    PlaceBid(PlaceBid),
    DeleteBid(DeleteBid),
    DoubleBid(DoubleBid),
    HoldDraw(HoldDraw),
    RevealSeed(RevealSeed),
    VoidBid(VoidBid),
    RetractBids(RetractBids),
    EndAuction(EndAuction),
    CancelAuction(CancelAuction),
    CloseAuction(CloseAuction),
}

impl AuctionCommand {
    /// Decides the command on the current state; `None` stands for an auction that does not exist. If
    /// `expected_version` is given, the command is refused unless the auction has this version.
    pub fn decide(
        &self,
        auction: Option<&Auction>,
        actor: Actor,
        expected_version: Option<u64>,
        at: Timestamp,
    ) -> Decision {
        if let AuctionCommand::CreateAuction(command) = self {
            return command.decide(auction, at);
        }
        let auction = auction.ok_or(UnknownAuction)?;
        if let Some(expected_version) = expected_version.filter(|v| *v != auction.version) {
            return Err(VersionConflict { expected_version, actual_version: auction.version }.into());
        }
        match self {
            AuctionCommand::CreateAuction(_) => Ok(Vec::new()), // decided above
            AuctionCommand::PlaceBid(command) => command.decide(auction, at),
            AuctionCommand::DeleteBid(command) => command.decide(auction, actor, at),
            AuctionCommand::DoubleBid(command) => command.decide(auction, at),
            AuctionCommand::HoldDraw(command) => command.decide(auction, at),
            AuctionCommand::RevealSeed(command) => command.decide(auction),
            AuctionCommand::VoidBid(command) => command.decide(auction, actor, at),
            AuctionCommand::RetractBids(command) => command.decide(auction, at),
            AuctionCommand::EndAuction(command) => command.decide(auction, actor, at),
            AuctionCommand::CancelAuction(command) => command.decide(auction, actor),
            AuctionCommand::CloseAuction(command) => command.decide(auction, at),
        }
    }

    /// Returns the details of the accepted command's outcome. `after` is the auction after its events.
    pub fn details(&self, after: &Auction) -> Details {
        match self {
            AuctionCommand::PlaceBid(command) => command.details(after),
            AuctionCommand::CloseAuction(command) => command.details(after),
            _ => Details::new(),
        }
    }
}

impl Auction {
    /// Applies one event. `None` stands for an auction that does not exist yet, for which only
    /// [`AuctionEvent::AuctionCreated`] has an effect.
    pub fn apply(auction: &mut Option<Auction>, event: &AuctionEvent, at: Timestamp) {
        match (auction.as_mut(), event) {
            (None, AuctionEvent::AuctionCreated { terms, .. }) => {
                *auction = Some(Auction::new(terms.clone()))
            }
            (Some(auction), event) => auction.fold(event, at),
            (None, _) => {}
        }
    }

    fn new(terms: Terms) -> Auction {
        Auction {
            ends_at: terms.ends_at,
            terms,
            extensions: 0,
            status: Status::Open,
            version: 1,
            bids: Bids::default(),
            draws: Draws::default(),
        }
    }

    /// Applies one event to an existing auction.
    pub fn fold(&mut self, event: &AuctionEvent, at: Timestamp) {
        if self.terms.promotion.is_some() {
            self.draws.advance(self.terms.draws_due(at), self.version);
        }
        self.version += 1;
        self.status = event.final_status().unwrap_or(self.status);
        self.ends_at = event.ends_at().unwrap_or(self.ends_at);
        match event.changed_bids() {
            Some((bids, BidChange::Removed(state))) => {
                bids.iter().for_each(|bid| self.bids.remove(*bid, state))
            }
            Some((bids, BidChange::Doubled)) => {
                bids.iter().for_each(|bid| self.bids.double(*bid, self.version))
            }
            None => {}
        }
        match *event {
            AuctionEvent::BidPlaced { bid, bidder, amount } => {
                self.bids.place(bid, bidder, amount, at, self.version);
            }
            AuctionEvent::AuctionExtended { .. } => self.extensions += 1,
            AuctionEvent::DrawHeld(ref draw) => self.draws.recorded = draw.number,
            AuctionEvent::DrawsMissed { last, .. } => self.draws.recorded = last,
            AuctionEvent::SeedRevealed { seed } => self.draws.seed = Some(seed),
            AuctionEvent::AuctionCancelled { .. } => self.draws.cancelled_at = Some(at),
            // Applied above.
            AuctionEvent::AuctionCreated { .. }
            | AuctionEvent::BidDeleted { .. }
            | AuctionEvent::BidVoided { .. }
            | AuctionEvent::BidDoubled { .. }
            | AuctionEvent::BidsRetracted { .. }
            | AuctionEvent::AuctionEnded { .. }
            | AuctionEvent::WinnerAnnounced(_)
            | AuctionEvent::AuctionClosedUnsold { .. } => {}
        }
    }

    /// Copies the state. Takes less than a millisecond for 100,000 bids.
    pub fn state(&self) -> AuctionState {
        AuctionState {
            terms: self.terms.clone(),
            ends_at: self.ends_at,
            extensions: self.extensions,
            status: self.status,
            version: self.version,
            draws: self.draws,
            bids: self.bids.all().to_vec(),
        }
    }

    /// Restores an auction from its state.
    pub fn restore(state: AuctionState) -> Auction {
        let AuctionState { terms, ends_at, extensions, status, version, draws, bids } = state;
        Auction { terms, ends_at, extensions, status, version, draws, bids: Bids::restore(bids) }
    }
}
