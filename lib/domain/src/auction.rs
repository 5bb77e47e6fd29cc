//! The auction: its terms, its bids and its end.
//!
//! ```text
//!            CreateAuction          EndAuction, or time
//!  (nothing) ─────────────▶ open ─────────────────────▶ over ──CloseAuction──▶ closed
//!                            │                           │
//!                            └──────CancelAuction────────┴──────────────────▶ cancelled
//! ```
//!
//! *Open* and *over* are the same status on different sides of `ends_at`; only closed and cancelled are
//! final: no bid and no result changes after them. What follows is the proof of its draws ([`RevealSeed`]).

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

pub use bidding_window::BiddingNotOpen;
pub use bids::{Bid, BidState};
pub use cancel::{CancelAuction, CancelAuctionRefusal};
pub use close::{CloseAuction, CloseAuctionRefusal};
pub use create::{CreateAuction, CreateAuctionRefusal};
pub use delete_bid::{DeleteBid, DeleteBidRefusal};
pub use double_bid::{DoubleBid, DoubleBidRefusal};
pub use end::{EndAuction, EndAuctionRefusal};
pub use event::{AuctionEvent, Unsold};
pub use hold_draw::{HoldDraw, HoldDrawRefusal};
pub use place_bid::{PlaceBid, PlaceBidRefusal};
pub use promotion::{Commitment, Draw, Draws, Promotion, Proof, Seed};
pub use refusal::AuctionRefusal;
pub use retract_bids::{RetractBids, RetractBidsRefusal};
pub use reveal_seed::{RevealSeed, RevealSeedRefusal};
pub use state::AuctionState;
pub use terms::{SoftClose, Terms};
pub use void_bid::{VoidBid, VoidBidRefusal};

use crate::{Actor, Amount, Details, Refused, Timestamp, UserId};
use bids::Bids;

/// Where an auction is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Not final yet: scheduled, open, or over and not closed.
    Open,
    /// Final; says who won, if anybody.
    Closed(Option<Winner>),
    /// Final, without a winner.
    Cancelled,
}

/// Who won, and what it costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Winner {
    /// The winning bid.
    pub bid: crate::BidId,
    /// Whose it is.
    pub bidder: UserId,
    /// What the winner owes: the face amount.
    pub pays: Amount,
    /// What the bid counted for; more than `pays` if it was doubled (the house carries the rest).
    pub effective: Amount,
}

/// An auction as its events tell it: all that decisions need.
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

/// Everything that can be asked of an auction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AuctionCommand {
    /// Offer something.
    CreateAuction(Box<CreateAuction>),
    /// Bid on it.
    PlaceBid(PlaceBid),
    /// Take a bid back.
    DeleteBid(DeleteBid),
    /// Let a bid count twice.
    DoubleBid(DoubleBid),
    /// Draw a bid by lot, and let it count twice.
    HoldDraw(HoldDraw),
    /// Show what the draws were held with.
    RevealSeed(RevealSeed),
    /// Strike a bid out, by the house.
    VoidBid(VoidBid),
    /// Take out all bids of a deleted user.
    RetractBids(RetractBids),
    /// End it now.
    EndAuction(EndAuction),
    /// Call it off.
    CancelAuction(CancelAuction),
    /// Declare the result.
    CloseAuction(CloseAuction),
}

impl AuctionCommand {
    /// Decides the command on the auction as it is now (`None`: there is none of that id), at the time
    /// of the command. `expected` is the version that the sender saw, if he insists on it.
    pub fn decide(
        &self,
        auction: Option<&Auction>,
        actor: Actor,
        expected: Option<u64>,
        at: Timestamp,
    ) -> Result<Vec<AuctionEvent>, Refused> {
        if let AuctionCommand::CreateAuction(command) = self {
            return Ok(command.decide(auction, at)?);
        }
        let auction = auction.ok_or(AuctionRefusal::UnknownAuction)?;
        if let Some(expected) = expected.filter(|v| *v != auction.version) {
            return Err(AuctionRefusal::VersionConflict { expected, actual: auction.version }.into());
        }
        Ok(match self {
            AuctionCommand::CreateAuction(_) => Vec::new(), // decided above
            AuctionCommand::PlaceBid(command) => command.decide(auction, at)?,
            AuctionCommand::DeleteBid(command) => command.decide(auction, actor, at)?,
            AuctionCommand::DoubleBid(command) => command.decide(auction, at)?,
            AuctionCommand::HoldDraw(command) => command.decide(auction, at)?,
            AuctionCommand::RevealSeed(command) => command.decide(auction)?,
            AuctionCommand::VoidBid(command) => command.decide(auction, actor, at)?,
            AuctionCommand::RetractBids(command) => command.decide(auction, at)?,
            AuctionCommand::EndAuction(command) => command.decide(auction, actor, at)?,
            AuctionCommand::CancelAuction(command) => command.decide(auction, actor)?,
            AuctionCommand::CloseAuction(command) => command.decide(auction, at)?,
        })
    }

    /// What the sender of an accepted command is told besides ids and version, seen right after it.
    pub fn facts(&self, after: &Auction) -> Details {
        match self {
            AuctionCommand::PlaceBid(command) => command.facts(after),
            AuctionCommand::CloseAuction(command) => command.facts(after),
            _ => Details::new(),
        }
    }
}

impl Auction {
    /// Folds one event into the state. `None` stands for an auction that does not exist yet; an event
    /// of an auction without its creation changes nothing.
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

    /// Folds one more event of an auction that exists.
    pub fn fold(&mut self, event: &AuctionEvent, at: Timestamp) {
        if self.terms.promotion.is_some() {
            self.draws.pass(self.terms.draws_due(at), self.version);
        }
        self.version += 1;
        match *event {
            AuctionEvent::AuctionCreated { .. } => {}
            AuctionEvent::BidPlaced { bid, bidder, amount } => {
                self.bids.place(bid, bidder, amount, at, self.version);
            }
            AuctionEvent::BidDeleted { bid, .. } => self.bids.remove(bid, BidState::Deleted),
            AuctionEvent::BidVoided { bid, .. } => self.bids.remove(bid, BidState::Voided),
            AuctionEvent::BidDoubled { bid, .. } => self.bids.double(bid, self.version),
            AuctionEvent::BidsRetracted { ref bids, .. } => {
                bids.iter().for_each(|bid| self.bids.remove(*bid, BidState::Retracted));
            }
            AuctionEvent::AuctionExtended { ends_at } => {
                self.ends_at = ends_at;
                self.extensions += 1;
            }
            AuctionEvent::AuctionEnded { ends_at, .. } => self.ends_at = ends_at,
            AuctionEvent::DrawHeld(ref draw) => self.draws.recorded = draw.number,
            AuctionEvent::DrawsMissed { last, .. } => self.draws.recorded = last,
            AuctionEvent::SeedRevealed { seed } => self.draws.seed = Some(seed),
            AuctionEvent::AuctionCancelled { .. } => {
                self.status = Status::Cancelled;
                self.draws.cancelled_at = Some(at);
            }
            AuctionEvent::WinnerAnnounced(winner) => self.status = Status::Closed(Some(winner)),
            AuctionEvent::AuctionClosedUnsold { .. } => self.status = Status::Closed(None),
        }
    }

    /// What was agreed at its creation.
    pub fn terms(&self) -> &Terms {
        &self.terms
    }

    /// When bidding ends, extensions included.
    pub fn ends_at(&self) -> Timestamp {
        self.ends_at
    }

    /// Where it is in its life.
    pub fn status(&self) -> Status {
        self.status
    }

    /// How many events there have been.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// The best live bid.
    pub fn leader(&self) -> Option<&Bid> {
        self.bids.leader()
    }

    /// All live bids, best first.
    pub fn standing(&self) -> impl Iterator<Item = &Bid> {
        self.bids.standing()
    }

    /// All users who have a live bid, each once, in no particular order.
    pub fn bidders(&self) -> impl Iterator<Item = UserId> {
        self.bids.bidders()
    }

    /// Everything one user bid here, live or not, in the order it was placed.
    pub fn bids_of(&self, bidder: UserId) -> impl ExactSizeIterator<Item = &Bid> {
        self.bids.of(bidder)
    }

    /// The newest live bid of a user, which is also the highest face amount of his.
    pub fn latest_bid_of(&self, bidder: UserId) -> Option<&Bid> {
        self.bids.live_of(bidder).next_back()
    }

    /// The place of a bid in the order in which all were placed, from 1.
    pub fn number_of(&self, bid: crate::BidId) -> Option<u64> {
        self.bids.number(bid)
    }

    /// One bid, live or not.
    pub fn bid(&self, bid: crate::BidId) -> Option<&Bid> {
        self.bids.get(bid)
    }

    /// All bids, live or not, in the order in which they were placed.
    pub fn bids(&self) -> &[Bid] {
        self.bids.all()
    }

    /// What is known of its draws.
    pub fn draws(&self) -> &Draws {
        &self.draws
    }

    /// How many live bids there are.
    pub fn live_bids(&self) -> usize {
        self.bids.live()
    }

    /// How many users have a live bid.
    pub fn live_bidders(&self) -> usize {
        self.bids.live_bidders()
    }

    /// Whether the best live bid reaches the reserve; true without a reserve.
    pub fn reserve_met(&self) -> bool {
        self.terms.reserve.is_none_or(|reserve| self.leader().is_some_and(|l| l.effective() >= reserve))
    }
}
