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
