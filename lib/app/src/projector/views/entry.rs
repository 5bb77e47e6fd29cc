//! Encoding of stored list entries: a prefix of fixed length for the portal itself, then JSON that is served
//! without being parsed. The prefix ends with a user id, which must not be disclosed to other users.

use auction_domain::UserId;
use serde::Serialize;
use uuid::Uuid;
use uuid::fmt::Hyphenated;

/// Length of a user id in bytes. Without a user, the prefix is blank.
const ID_LENGTH: usize = Hyphenated::LENGTH;

/// Initial capacity of an entry, sufficient for most.
const CAPACITY: usize = 512;

/// Encodes the begin of the prefix, the user and the JSON of an entry.
pub(super) fn encode(begin: &[u8], user: Option<UserId>, view: &impl Serialize) -> Vec<u8> {
    let mut entry = Vec::with_capacity(CAPACITY);
    entry.extend_from_slice(begin);
    match user {
        Some(user) => {
            entry.extend_from_slice(user.0.hyphenated().encode_lower(&mut [0; ID_LENGTH]).as_bytes())
        }
        None => entry.extend_from_slice(&[b' '; ID_LENGTH]),
    }
    // Cannot fail: views are plain structs with text keys.
    let _ = serde_json::to_writer(&mut entry, view);
    entry
}

/// Decodes the user and the JSON of an entry, after the begin of its prefix.
pub(super) fn decode(entry: &[u8]) -> Option<(Option<UserId>, &[u8])> {
    let (id, json) = entry.split_at_checked(ID_LENGTH)?;
    Some((Uuid::try_parse_ascii(id).ok().map(UserId), json))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_round_trip() {
        for user in [None, Some(UserId(Uuid::from_u128(7)))] {
            let entry = encode(b"o", user, &17);
            assert_eq!(decode(&entry[1..]), Some((user, &b"17"[..])));
        }
        assert_eq!(decode(b"short"), None);
    }
}
