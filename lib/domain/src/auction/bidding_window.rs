//! Time during which bids are accepted, and its extension by a soft close.

use super::refusal::{AuctionCancelled, AuctionClosed, AuctionEnded, AuctionNotStarted};
use super::{Auction, AuctionEvent, Status};
use crate::{RefusalInfo, Timestamp, UserId};

impl Auction {
    /// Fails if the auction is closed or cancelled. Passes between its end and its closing.
    pub(super) fn check_not_final(&self) -> Result<(), RefusalInfo> {
        match self.status {
            Status::Open => Ok(()),
            Status::Closed(_) => Err(AuctionClosed.into()),
            Status::Cancelled => Err(AuctionCancelled.into()),
        }
    }

    /// Fails unless bids are accepted: from `starts_at` on, and before `ends_at`.
    pub(super) fn check_open(&self, at: Timestamp) -> Result<(), RefusalInfo> {
        self.check_not_final()?;
        if at < self.terms.starts_at {
            return Err(AuctionNotStarted { starts_at: self.terms.starts_at }.into());
        }
        if at >= self.ends_at {
            return Err(AuctionEnded { ends_at: self.ends_at }.into());
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
