//! Cursors of lists: the end of a page. Opaque to clients: base64url of a letter for the list, the key of the
//! last entry, and the positions that the page showed, so that no later page is older.

use super::paging::invalid;
use crate::problem::Problem;
use auction_wire::{PartitionCount, Positions};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// Cursor of a list whose entries have keys of `N` bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Cursor<const N: usize> {
    /// Key of the last entry of the page.
    pub key: [u8; N],
    /// Positions that the page showed.
    pub as_of: Positions,
}

impl<const N: usize> Cursor<N> {
    pub(super) fn write(&self, list: u8) -> String {
        URL_SAFE_NO_PAD.encode([&[list][..], &self.key, &self.as_of.to_bytes()].concat())
    }

    /// Reads a cursor of this list.
    pub(super) fn read(text: &str, list: u8, partitions: PartitionCount) -> Result<Cursor<N>, Problem> {
        let found = || {
            let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
            let (key, as_of) = bytes.strip_prefix(&[list])?.split_first_chunk()?;
            Some(Cursor { key: *key, as_of: Positions::from_bytes(as_of, partitions)? })
        };
        found().ok_or_else(|| invalid("cursor", "must be the cursor from `next` of a page of this list"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use auction_wire::PartitionId;

    #[test]
    fn cursors_round_trip_and_are_valid_only_in_their_list() {
        let eight = PartitionCount::new(8).unwrap();
        let cursor = Cursor { key: 42u64.to_be_bytes(), as_of: Positions::of(PartitionId(7), 300) };
        let text = cursor.write(b'b');
        assert_eq!(Cursor::read(&text, b'b', eight), Ok(cursor));
        assert!(Cursor::<8>::read(&text, b'o', eight).is_err(), "another list");
        assert!(Cursor::<24>::read(&text, b'b', eight).is_err());
        assert!(Cursor::<8>::read(&text, b'b', PartitionCount::new(7).unwrap()).is_err());
        for wrong in ["", "42", "YgAAAA", &text[1..], &format!("{text}A")] {
            assert!(Cursor::<8>::read(wrong, b'b', eight).is_err(), "{wrong}");
        }
    }
}
