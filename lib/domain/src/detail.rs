//! Results of commands beyond accepted or refused: named values, so that no outer layer has to know the
//! individual commands and refusals.

use crate::{Amount, Timestamp};
use uuid::Uuid;

/// Value in an outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    /// Money, in minor units of the auction's currency.
    Amount(Amount),
    Time(Timestamp),
    /// Number of things, or a version.
    Count(u64),
    Flag(bool),
    /// Id of a user, an auction or a bid.
    Id(Uuid),
}

/// Named values, in the order in which they are shown.
pub type Details = Vec<(&'static str, Detail)>;

/// Kind of a refusal; the ingress derives the HTTP status from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefusalClass {
    /// The user, auction or bid does not exist.
    Unknown,
    /// The sender must not do this.
    Forbidden,
    /// The command is valid, but not in the current state.
    Conflict,
    /// The command is invalid in any state.
    Invalid,
    /// The sender expected another version of the auction.
    VersionConflict,
}

/// Refusal in the form that is stored and sent, the same for all commands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusalInfo {
    /// Stable name in snake case, such as `not_above_your_latest`.
    pub code: &'static str,
    pub class: RefusalClass,
    /// One sentence that explains the refusal.
    pub message: String,
    pub details: Details,
}

/// Refusal of one kind of command. Its [`Display`](std::fmt::Display) text is the message.
pub trait Refusal: std::error::Error {
    /// Returns the stable name in snake case. It is stored: it must not change.
    fn code(&self) -> &'static str;
    fn class(&self) -> RefusalClass;
    /// Returns the values that the sender needs to correct the command. Their names are stored, too.
    fn details(&self) -> Details {
        Details::new()
    }
}

impl<R: Refusal> From<R> for RefusalInfo {
    fn from(refusal: R) -> RefusalInfo {
        RefusalInfo {
            code: refusal.code(),
            class: refusal.class(),
            message: refusal.to_string(),
            details: refusal.details(),
        }
    }
}
