//! Identifiers of log entries.

use std::fmt;
use std::str::FromStr;

/// Id of an entry in a Redis stream: a millisecond and a sequence number. Ids are ordered like the entries.
///
/// The text form is `<ms>-<seq>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntryId {
    /// First part. Milliseconds since 1970 if Redis generated the id.
    pub ms: u64,
    /// Second part: counts entries with the same first part.
    pub seq: u64,
}

impl EntryId {
    /// Id that precedes every entry.
    pub const ZERO: EntryId = EntryId { ms: 0, seq: 0 };
}

impl fmt::Display for EntryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.ms, self.seq)
    }
}

/// Error of parsing an [`EntryId`] from text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a stream entry id: expected `<ms>-<seq>`")]
pub struct ParseEntryIdError;

impl FromStr for EntryId {
    type Err = ParseEntryIdError;
    fn from_str(text: &str) -> Result<EntryId, ParseEntryIdError> {
        let (ms, seq) = text.split_once('-').ok_or(ParseEntryIdError)?;
        match (ms.parse(), seq.parse()) {
            (Ok(ms), Ok(seq)) => Ok(EntryId { ms, seq }),
            _ => Err(ParseEntryIdError),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entry_ids_are_ordered_as_in_redis() {
        let ids: Vec<EntryId> =
            ["2-0", "10-0", "10-2", "10-10"].iter().map(|id| id.parse().unwrap()).collect();
        assert!(ids.is_sorted());
        assert_eq!(ids[2].to_string(), "10-2");
        assert!("10".parse::<EntryId>().is_err());
    }
}
