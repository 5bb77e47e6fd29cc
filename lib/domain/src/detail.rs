//! What an outcome says besides yes or no: named numbers, so that every refusal carries what its reader
//! needs to do better, without each layer above having to know each command.

use crate::{Amount, Timestamp};
use uuid::Uuid;

/// One value in an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    /// Money, in minor units of the auction's currency.
    Amount(Amount),
    /// A point in time.
    Time(Timestamp),
    /// A number of things, or a version.
    Count(u64),
    /// Yes or no.
    Flag(bool),
    /// The id of a user, an auction or a bid.
    Id(Uuid),
}

/// Named values, in the order in which they are shown.
pub type Details = Vec<(&'static str, Detail)>;

/// What kind of no it is; the ingress derives the HTTP status from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefusedClass {
    /// What the command is about does not exist.
    Unknown,
    /// The sender may not do this.
    Forbidden,
    /// The command can't be done with things as they are.
    Conflict,
    /// The command makes no sense in itself.
    Invalid,
    /// The sender asked for a version that has moved on.
    VersionConflict,
}

/// A refusal as everybody outside the domain sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// A stable name in snake case, such as `not_above_your_latest`.
    pub code: &'static str,
    /// What kind of no it is.
    pub class: RefusedClass,
    /// One sentence for people.
    pub detail: String,
    /// The numbers, by name.
    pub facts: Details,
}

/// Implemented by the refusals of each command.
pub trait Refusal: std::error::Error {
    /// A stable name in snake case.
    fn code(&self) -> &'static str;
    /// What kind of no it is.
    fn class(&self) -> RefusedClass;
    /// The numbers, by name.
    fn facts(&self) -> Details {
        Details::new()
    }
}

impl<R: Refusal> From<R> for Refused {
    fn from(refusal: R) -> Refused {
        Refused {
            code: refusal.code(),
            class: refusal.class(),
            detail: refusal.to_string(),
            facts: refusal.facts(),
        }
    }
}
