//! Events of an auction.

use super::{BidState, Draw, Reason, Seed, Status, Terms, Winner};
use crate::{Actor, Amount, BidId, Description, Timestamp, Title, UserId};

/// Event of an auction. Each event increments the version of the auction by one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AuctionEvent {
    AuctionCreated {
        title: Title,
        description: Description,
        terms: Terms,
    },
    BidPlaced {
        bid: BidId,
        bidder: UserId,
        /// Face amount, in minor units.
        amount: Amount,
    },
    /// The bidder deleted their bid.
    BidDeleted {
        bid: BidId,
        bidder: UserId,
    },
    /// The bid is ranked by twice its face amount from now on.
    BidDoubled {
        bid: BidId,
        bidder: UserId,
        effective: Amount,
    },
    /// A draw was held, with or without a drawn bid.
    DrawHeld(Box<Draw>),
    /// Draws were due and not held before the next one was due. They are never held.
    DrawsMissed {
        /// Number of the first missed draw.
        first: u64,
        /// Number of the last missed draw.
        last: u64,
    },
    /// The seed of all draws of the auction was published, so that everyone can verify them.
    SeedRevealed {
        seed: Seed,
    },
    /// An operator voided the bid.
    BidVoided {
        bid: BidId,
        bidder: UserId,
        reason: Reason,
        /// Sender of the command; `None` in events of version 1.
        by: Option<Actor>,
    },
    /// All active bids of a deleted user were retracted.
    BidsRetracted {
        bidder: UserId,
        /// Retracted bids, in the order of placement.
        bids: Vec<BidId>,
    },
    /// The leader changed shortly before the end.
    AuctionExtended {
        /// New end of bidding.
        ends_at: Timestamp,
    },
    /// Bidding was ended early.
    AuctionEnded {
        ends_at: Timestamp,
        /// Sender of the command; `None` in events of version 1.
        by: Option<Actor>,
    },
    AuctionCancelled {
        /// Sender of the command; `None` in events of version 1.
        by: Option<Actor>,
    },
    /// The auction was closed and sold.
    WinnerAnnounced(Winner),
    /// The auction was closed and not sold.
    AuctionClosedUnsold {
        reason: UnsoldReason,
    },
}

/// Change of a bid by an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BidChange {
    /// The bid is not active any more.
    Removed(BidState),
    Doubled,
}

impl AuctionEvent {
    /// Returns the bids that the event changes, and how.
    pub fn changed_bids(&self) -> Option<(&[BidId], BidChange)> {
        let one = std::slice::from_ref;
        match self {
            AuctionEvent::BidDeleted { bid, .. } => Some((one(bid), BidChange::Removed(BidState::Deleted))),
            AuctionEvent::BidVoided { bid, .. } => Some((one(bid), BidChange::Removed(BidState::Voided))),
            AuctionEvent::BidsRetracted { bids, .. } => Some((bids, BidChange::Removed(BidState::Retracted))),
            AuctionEvent::BidDoubled { bid, .. } => Some((one(bid), BidChange::Doubled)),
            _ => None,
        }
    }

    /// Returns the new end of bidding, if the event sets it.
    pub fn ends_at(&self) -> Option<Timestamp> {
        match self {
            AuctionEvent::AuctionCreated { terms, .. } => Some(terms.ends_at),
            AuctionEvent::AuctionExtended { ends_at } | AuctionEvent::AuctionEnded { ends_at, .. } => {
                Some(*ends_at)
            }
            _ => None,
        }
    }

    /// Returns the final status of the auction, if the event sets it.
    pub fn final_status(&self) -> Option<Status> {
        match self {
            AuctionEvent::AuctionCancelled { .. } => Some(Status::Cancelled),
            AuctionEvent::WinnerAnnounced(winner) => Some(Status::Closed(Some(*winner))),
            AuctionEvent::AuctionClosedUnsold { .. } => Some(Status::Closed(None)),
            _ => None,
        }
    }
}

/// Reasons an auction was closed without a winner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnsoldReason {
    /// The auction had no active bid.
    NoBids,
    /// The effective amount of the leader was below the reserve price.
    ReserveNotMet,
}
