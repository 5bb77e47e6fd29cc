//! Time during which bids are accepted, and its extension by a soft close.

use super::{Auction, AuctionEvent, Status};
use crate::{Detail, Details, Timestamp, UserId};
use thiserror::Error;

/// Reasons bidding is not open. Shared by the refusals of several commands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum BiddingNotOpen {
    #[error("the auction has not started yet")]
    NotStarted { starts_at: Timestamp },
    #[error("the auction has ended")]
    Ended { ends_at: Timestamp },
    #[error("the auction is closed")]
    Closed,
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

    pub(super) fn details(self) -> Details {
        match self {
            BiddingNotOpen::NotStarted { starts_at } => vec![("starts_at", Detail::Time(starts_at))],
            BiddingNotOpen::Ended { ends_at } => vec![("ends_at", Detail::Time(ends_at))],
            BiddingNotOpen::Closed | BiddingNotOpen::Cancelled => Details::new(),
        }
    }
}

impl Auction {
    /// Fails if the auction is closed or cancelled. Passes between its end and its closing.
    pub(super) fn check_not_final(&self) -> Result<(), BiddingNotOpen> {
        match self.status {
            Status::Open => Ok(()),
            Status::Closed(_) => Err(BiddingNotOpen::Closed),
            Status::Cancelled => Err(BiddingNotOpen::Cancelled),
        }
    }

    /// Fails unless bids are accepted: from `starts_at` on, and before `ends_at`.
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

    /// Returns the soft-close extension if `new_leader` leads from now on. Only a change of the leading user
    /// extends the auction: a leader who raises their own bid does not.
    pub(super) fn extension(&self, new_leader: Option<UserId>, at: Timestamp) -> Option<AuctionEvent> {
        let soft_close = self.terms.soft_close?;
        let is_late = at < self.ends_at && at >= self.ends_at - soft_close.within;
        let leader_changes = self.leader().map(|bid| bid.bidder) != new_leader;
        (is_late && leader_changes && self.extensions < soft_close.max_extensions)
            .then(|| AuctionEvent::AuctionExtended { ends_at: self.ends_at + soft_close.extend_by })
    }
}
