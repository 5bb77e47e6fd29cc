//! Identifiers of log entries: a millisecond and a sequence number, in the order of the log.

use std::fmt;
use std::str::FromStr;

/// The id of a stream entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntryId {
    /// Milliseconds since 1970 when Redis made the id itself.
    pub ms: u64,
    /// Counts entries of the same millisecond.
    pub seq: u64,
}

impl EntryId {
    /// Before every entry.
    pub const ZERO: EntryId = EntryId { ms: 0, seq: 0 };
}

impl fmt::Display for EntryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.ms, self.seq)
    }
}

/// A text is not an entry id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a stream entry id")]
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
    fn entry_ids_are_ordered_as_redis_orders_them() {
        let ids: Vec<EntryId> =
            ["2-0", "10-0", "10-2", "10-10"].iter().map(|id| id.parse().unwrap()).collect();
        assert!(ids.is_sorted());
        assert_eq!(ids[2].to_string(), "10-2");
        assert!("10".parse::<EntryId>().is_err());
    }
}
