//! Refusals that all commands on an existing auction share.

use crate::detail::Refusal;
use crate::{Detail, Details, RefusalClass};
use thiserror::Error;

/// Reasons any command on an existing auction is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum AuctionRefusal {
    #[error("there is no such auction")]
    UnknownAuction,
    #[error("the auction is at version {actual}, not {expected}")]
    VersionConflict {
        /// Version that the sender expected.
        expected: u64,
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
    fn class(&self) -> RefusalClass {
        match self {
            AuctionRefusal::UnknownAuction => RefusalClass::Unknown,
            AuctionRefusal::VersionConflict { .. } => RefusalClass::VersionConflict,
        }
    }
    fn details(&self) -> Details {
        match *self {
            AuctionRefusal::UnknownAuction => Details::new(),
            AuctionRefusal::VersionConflict { expected, actual } => {
                vec![("expected_version", Detail::Count(expected)), ("actual_version", Detail::Count(actual))]
            }
        }
    }
}
