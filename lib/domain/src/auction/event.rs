//! What can happen to an auction.

use super::{Draw, Seed, Terms, Winner};
use crate::{Actor, Amount, BidId, Description, Reason, Timestamp, Title, UserId};

/// A fact about an auction. Each raises its version by one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AuctionEvent {
    /// It is on offer.
    AuctionCreated {
        /// What it is.
        title: Title,
        /// More about it.
        description: Description,
        /// Its rules.
        terms: Terms,
    },
    /// Somebody bid.
    BidPlaced {
        /// The new bid.
        bid: BidId,
        /// Whose.
        bidder: UserId,
        /// Its face amount.
        amount: Amount,
    },
    /// A bidder took a bid back.
    BidDeleted {
        /// Which.
        bid: BidId,
        /// Whose.
        bidder: UserId,
    },
    /// A bid counts twice from now on.
    BidDoubled {
        /// Which.
        bid: BidId,
        /// Whose.
        bidder: UserId,
        /// What it counts for now.
        effective: Amount,
    },
    /// A draw was held, whether anybody was drawn or not.
    DrawHeld(Box<Draw>),
    /// Draws were due and not held in time, and never will be.
    DrawsMissed {
        /// The number of the first of them.
        first: u64,
        /// The number of the last.
        last: u64,
    },
    /// What the draws were held with is shown, so that everybody can hold them again.
    SeedRevealed {
        /// The seed that the auction was created with.
        seed: Seed,
    },
    /// The house struck a bid out.
    BidVoided {
        /// Which.
        bid: BidId,
        /// Whose.
        bidder: UserId,
        /// Why.
        reason: Reason,
        /// Who voided it; `None` in events of version 1.
        by: Option<Actor>,
    },
    /// The bids of a deleted user were taken out.
    BidsRetracted {
        /// Whose.
        bidder: UserId,
        /// Which, in the order they were placed.
        bids: Vec<BidId>,
    },
    /// The lead changed late; bidding goes on until then.
    AuctionExtended {
        /// The new end.
        ends_at: Timestamp,
    },
    /// It was ended early.
    AuctionEnded {
        /// The end.
        ends_at: Timestamp,
        /// Who ended it; `None` in events of version 1.
        by: Option<Actor>,
    },
    /// It was called off.
    AuctionCancelled {
        /// Who cancelled it; `None` in events of version 1.
        by: Option<Actor>,
    },
    /// It is sold.
    WinnerAnnounced(Winner),
    /// It is closed and not sold.
    AuctionClosedUnsold {
        /// Why.
        because: Unsold,
    },
}

/// Why nobody won.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unsold {
    /// No live bid was left.
    NoBids,
    /// The best bid was below the reserve.
    ReserveNotMet,
}
