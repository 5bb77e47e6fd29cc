//! Why any command of an auction can be refused.

use crate::detail::Refusal;
use crate::{Detail, Details, RefusedClass};
use thiserror::Error;

/// Refusals that every command shares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum AuctionRefusal {
    /// There is no such auction.
    #[error("there is no such auction")]
    UnknownAuction,
    /// The sender saw another version than the present one.
    #[error("the auction is at version {actual}, not {expected}")]
    VersionConflict {
        /// What the sender saw.
        expected: u64,
        /// What it is.
        actual: u64,
    },
}

impl Refusal for AuctionRefusal {
    fn code(&self) -> &'static str {
        match self {
            AuctionRefusal::UnknownAuction => "unknown_auction",
            AuctionRefusal::VersionConflict { .. } => "version_conflict",
        }
    }
    fn class(&self) -> RefusedClass {
        match self {
            AuctionRefusal::UnknownAuction => RefusedClass::Unknown,
            AuctionRefusal::VersionConflict { .. } => RefusedClass::VersionConflict,
        }
    }
    fn facts(&self) -> Details {
        match *self {
            AuctionRefusal::UnknownAuction => Details::new(),
            AuctionRefusal::VersionConflict { expected, actual } => {
                vec![("expected_version", Detail::Count(expected)), ("actual_version", Detail::Count(actual))]
            }
        }
    }
}
