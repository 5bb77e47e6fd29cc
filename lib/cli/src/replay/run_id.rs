//! What a replay is called. Its auctions end a fixed time after it, so that a continued replay sends the
//! same requests again.

use auction_domain::Timestamp;
use serde::Serialize;
use std::fmt;
use std::str::FromStr;
use thiserror::Error;
use uuid::{Uuid, Version};

/// The id of a replay: a UUID with its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct RunId(Uuid);

/// Why a text is not a [`RunId`].
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{0:?} is not the id of a replay; it was printed when the replay started, after the word replay")]
pub struct RunIdError(String);

/// Long enough that only the replay itself ends its auctions.
const LASTS: i64 = 30 * 24 * 60 * 60 * 1000;

impl RunId {
    /// A new one.
    pub(crate) fn fresh() -> RunId {
        RunId(Uuid::now_v7())
    }

    pub(crate) fn now() -> Timestamp {
        Timestamp(jiff::Timestamp::now().as_millisecond())
    }

    /// When its auctions end if nobody ends them.
    pub(crate) fn ends_at(self) -> Timestamp {
        // The first 48 bits of a version 7 UUID are its time in milliseconds.
        let millis = (self.0.as_u128() >> 80) as i64;
        Timestamp(millis.saturating_add(LASTS))
    }

    /// The idempotency key of one of its steps.
    pub(crate) fn key(self, what: &str, line: u64) -> String {
        format!("replay-{self}-{what}-{line}")
    }
}

impl FromStr for RunId {
    type Err = RunIdError;

    fn from_str(text: &str) -> Result<RunId, RunIdError> {
        match Uuid::try_parse(text) {
            Ok(id) if id.get_version() == Some(Version::SortRand) => Ok(RunId(id)),
            _ => Err(RunIdError(text.to_owned())),
        }
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_keeps_its_end_when_it_is_continued() {
        let run = RunId::fresh();
        let left = run.ends_at().0 - RunId::now().0;
        assert!((LASTS - 5_000..=LASTS + 5_000).contains(&left), "{left}");
        let again: RunId = run.to_string().parse().unwrap();
        assert_eq!((again, again.ends_at()), (run, run.ends_at()));
        assert!("yesterday".parse::<RunId>().is_err());
        assert!(Uuid::new_v4().to_string().parse::<RunId>().is_err());
    }
}
