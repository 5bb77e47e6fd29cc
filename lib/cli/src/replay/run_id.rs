//! Ids of replays. The auctions of a replay end at a fixed time after the time in its id, so that a continued
//! replay sends identical requests.

use auction_domain::Timestamp;
use serde::Serialize;
use std::fmt;
use std::str::FromStr;
use thiserror::Error;
use uuid::{Uuid, Version};

/// Id of a replay: a UUID of version 7, which contains its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct RunId(Uuid);

/// Error: a text is not a [`RunId`].
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{0:?} is not a replay id; the id is printed when a replay starts: `replay <ID>: ...`")]
pub struct RunIdError(String);

/// Duration of the auctions of a replay: 30 days, so that only the replay itself ends them.
const DURATION_MS: i64 = 30 * 24 * 60 * 60 * 1000;

impl RunId {
    pub(crate) fn fresh() -> RunId {
        RunId(Uuid::now_v7())
    }

    pub(crate) fn now() -> Timestamp {
        Timestamp(jiff::Timestamp::now().as_millisecond())
    }

    /// Returns the scheduled end of the auctions.
    pub(crate) fn ends_at(self) -> Timestamp {
        // The first 48 bits of a version 7 UUID are its time in milliseconds.
        let millis = (self.0.as_u128() >> 80) as i64;
        Timestamp(millis.saturating_add(DURATION_MS))
    }

    /// Returns the idempotency key of a step.
    pub(crate) fn key(self, step: &str, line: u64) -> String {
        format!("replay-{self}-{step}-{line}")
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
    fn run_id_keeps_the_end_of_its_auctions() {
        let run = RunId::fresh();
        let left = run.ends_at().0 - RunId::now().0;
        assert!((DURATION_MS - 5_000..=DURATION_MS + 5_000).contains(&left), "{left}");
        let again: RunId = run.to_string().parse().unwrap();
        assert_eq!((again, again.ends_at()), (run, run.ends_at()));
        assert!("yesterday".parse::<RunId>().is_err());
        assert!(Uuid::new_v4().to_string().parse::<RunId>().is_err());
    }
}
