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
mod ranking;
mod refusal;
mod retract_bids;
mod reveal_seed;
mod state;
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
pub use state::AuctionState;
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

    pub fn terms(&self) -> &Terms {
        &self.terms
    }

    /// Returns the end of bidding, including extensions.
    pub fn ends_at(&self) -> Timestamp {
        self.ends_at
    }

    pub fn status(&self) -> Status {
        self.status
    }

    /// Returns the number of events of this auction.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// Returns the highest-ranked active bid.
    pub fn leader(&self) -> Option<&Bid> {
        self.bids.leader()
    }

    /// Returns all active bids, highest-ranked first.
    pub fn ranking(&self) -> impl Iterator<Item = &Bid> {
        self.bids.ranking()
    }

    /// Returns every user with an active bid once, in no particular order.
    pub fn bidders(&self) -> impl Iterator<Item = UserId> {
        self.bids.bidders()
    }

    /// Returns all bids of one user, active or not, oldest first.
    pub fn bids_of(&self, bidder: UserId) -> impl ExactSizeIterator<Item = &Bid> {
        self.bids.of(bidder)
    }

    /// Returns the newest active bid of a user, which also has their highest face amount.
    pub fn latest_active_bid_of(&self, bidder: UserId) -> Option<&Bid> {
        self.bids.active_of(bidder).next_back()
    }

    /// Returns the position of a bid in the order of placement, from 1.
    pub fn bid_number(&self, bid: BidId) -> Option<u64> {
        self.bids.number(bid)
    }

    /// Returns one bid, active or not.
    pub fn bid(&self, bid: BidId) -> Option<&Bid> {
        self.bids.get(bid)
    }

    /// Returns all bids, active or not, oldest first.
    pub fn bids(&self) -> &[Bid] {
        self.bids.all()
    }

    pub fn draws(&self) -> &Draws {
        &self.draws
    }

    pub fn active_bid_count(&self) -> usize {
        self.bids.active_count()
    }

    /// Returns the number of users with an active bid.
    pub fn active_bidder_count(&self) -> usize {
        self.bids.active_bidder_count()
    }

    /// Whether the leader reaches the reserve price. Always true without a reserve price.
    pub fn reserve_met(&self) -> bool {
        self.terms.reserve.is_none_or(|reserve| self.leader().is_some_and(|l| l.effective() >= reserve))
    }
}
