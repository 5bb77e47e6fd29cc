//! Is bidding on, and does a change of leader extend it? Shared by the commands that change the standing.

use super::{Auction, AuctionEvent, Status};
use crate::{Fact, Facts, Timestamp, UserId};
use thiserror::Error;

/// Why bidding is not on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum NotOpen {
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

impl NotOpen {
    pub(super) fn code(self) -> &'static str {
        match self {
            NotOpen::NotStarted { .. } => "auction_not_started",
            NotOpen::Ended { .. } => "auction_ended",
            NotOpen::Closed => "auction_closed",
            NotOpen::Cancelled => "auction_cancelled",
        }
    }

    pub(super) fn facts(self) -> Facts {
        match self {
            NotOpen::NotStarted { starts_at } => vec![("starts_at", Fact::Time(starts_at))],
            NotOpen::Ended { ends_at } => vec![("ends_at", Fact::Time(ends_at))],
            NotOpen::Closed | NotOpen::Cancelled => Facts::new(),
        }
    }
}

impl Auction {
    /// Passes until the auction is closed or cancelled, also between its end and its closing.
    pub(super) fn check_not_final(&self) -> Result<(), NotOpen> {
        match self.status {
            Status::Open => Ok(()),
            Status::Closed(_) => Err(NotOpen::Closed),
            Status::Cancelled => Err(NotOpen::Cancelled),
        }
    }

    /// Passes while bids are taken.
    pub(super) fn check_open(&self, at: Timestamp) -> Result<(), NotOpen> {
        self.check_not_final()?;
        if at < self.terms.starts_at {
            return Err(NotOpen::NotStarted { starts_at: self.terms.starts_at });
        }
        if at >= self.ends_at {
            return Err(NotOpen::Ended { ends_at: self.ends_at });
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
