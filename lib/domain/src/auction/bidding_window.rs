//! Is bidding on, and does a change of leader extend it? Shared by the commands that change the standing.

use super::{Auction, AuctionEvent, Status};
use crate::{Detail, Details, Timestamp, UserId};
use thiserror::Error;

/// Why bidding is not on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum BiddingNotOpen {
    /// It starts later.
    #[error("the auction has not started yet")]
    NotStarted {
        /// When it starts.
        starts_at: Timestamp,
    },
    /// Its end has passed.
    #[error("the auction has ended")]
    Ended {
        /// When it ended.
        ends_at: Timestamp,
    },
    /// Its result is final.
    #[error("the auction is closed")]
    Closed,
    /// It was called off.
    #[error("the auction was cancelled")]
    Cancelled,
}

impl BiddingNotOpen {
    pub(super) fn code(self) -> &'static str {
        match self {
            BiddingNotOpen::NotStarted { .. } => "auction_not_started",
            BiddingNotOpen::Ended { .. } => "auction_ended",
            BiddingNotOpen::Closed => "auction_closed",
            BiddingNotOpen::Cancelled => "auction_cancelled",
        }
    }

    pub(super) fn facts(self) -> Details {
        match self {
            BiddingNotOpen::NotStarted { starts_at } => vec![("starts_at", Detail::Time(starts_at))],
            BiddingNotOpen::Ended { ends_at } => vec![("ends_at", Detail::Time(ends_at))],
            BiddingNotOpen::Closed | BiddingNotOpen::Cancelled => Details::new(),
        }
    }
}

impl Auction {
    /// Passes until the auction is closed or cancelled, also between its end and its closing.
    pub(super) fn check_not_final(&self) -> Result<(), BiddingNotOpen> {
        match self.status {
            Status::Open => Ok(()),
            Status::Closed(_) => Err(BiddingNotOpen::Closed),
            Status::Cancelled => Err(BiddingNotOpen::Cancelled),
        }
    }

    /// Passes while bids are taken.
    pub(super) fn check_open(&self, at: Timestamp) -> Result<(), BiddingNotOpen> {
        self.check_not_final()?;
        if at < self.terms.starts_at {
            return Err(BiddingNotOpen::NotStarted { starts_at: self.terms.starts_at });
        }
        if at >= self.ends_at {
            return Err(BiddingNotOpen::Ended { ends_at: self.ends_at });
        }
        Ok(())
    }

    /// The extension that follows when `leader` leads from now on. Only another leader extends; one who
    /// tops himself, and a bid that does not lead, never do.
    pub(super) fn extension(&self, leader: Option<UserId>, at: Timestamp) -> Option<AuctionEvent> {
        let soft = self.terms.soft_close?;
        let late = at < self.ends_at && at >= self.ends_at - soft.within;
        let changed = self.leader().map(|bid| bid.bidder) != leader;
        (late && changed && self.extensions < soft.at_most)
            .then(|| AuctionEvent::AuctionExtended { ends_at: self.ends_at + soft.extend_by })
    }
}
