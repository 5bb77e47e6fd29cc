//! Where a page of a list ended. Opaque to clients: base64url of a letter for the list, the place in it, and how
//! fresh the page was, so that no later page is older.

use super::paging::invalid;
use crate::problem::Problem;
use auction_wire::{PartitionCount, Positions};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// A cursor of a list in which places have that many bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Cursor<const N: usize> {
    /// The place of the last line.
    pub place: [u8; N],
    /// How fresh the page was.
    pub as_of: Positions,
}

impl<const N: usize> Cursor<N> {
    /// As text.
    pub(super) fn write(&self, list: u8) -> String {
        URL_SAFE_NO_PAD.encode([&[list][..], &self.place, &self.as_of.to_bytes()].concat())
    }

    /// Reads one of that list.
    pub(super) fn read(text: &str, list: u8, partitions: PartitionCount) -> Result<Cursor<N>, Problem> {
        let found = || {
            let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
            let (place, as_of) = bytes.strip_prefix(&[list])?.split_first_chunk()?;
            Some(Cursor { place: *place, as_of: Positions::from_bytes(as_of, partitions)? })
        };
        found().ok_or_else(|| invalid("cursor", "must be taken from `next` of another page of this list"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use auction_wire::PartitionId;

    #[test]
    fn a_cursor_comes_back_in_its_own_list_alone() {
        let eight = PartitionCount::new(8).unwrap();
        let cursor = Cursor { place: 42u64.to_be_bytes(), as_of: Positions::of(PartitionId(7), 300) };
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
