//! Events of an auction.

use super::{Draw, Seed, Terms, Winner};
use crate::{Actor, Amount, BidId, Description, Reason, Timestamp, Title, UserId};

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

/// Reasons an auction was closed without a winner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnsoldReason {
    /// The auction had no active bid.
    NoBids,
    /// The effective amount of the leader was below the reserve price.
    ReserveNotMet,
}
