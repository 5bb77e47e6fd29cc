//! Encoding of stored list entries: a prefix of fixed length for the portal itself, then JSON that is served
//! without being parsed.

use auction_domain::UserId;
use auction_wire::view::AuctionStatus;
use uuid::Uuid;
use uuid::fmt::Hyphenated;

/// Length of a user id in bytes. Without a user, the prefix is blank.
const ID_LENGTH: usize = Hyphenated::LENGTH;

pub(super) fn encode_user(user: Option<UserId>, json: &[u8]) -> Vec<u8> {
    let mut entry = Vec::with_capacity(ID_LENGTH + json.len());
    match user {
        Some(user) => {
            entry.extend_from_slice(user.0.hyphenated().encode_lower(&mut [0; ID_LENGTH]).as_bytes())
        }
        None => entry.extend_from_slice(&[b' '; ID_LENGTH]),
    }
    entry.extend_from_slice(json);
    entry
}

/// Decodes the user and the JSON of an entry.
pub(super) fn decode_user(entry: &[u8]) -> Option<(Option<UserId>, &[u8])> {
    let (id, json) = entry.split_at_checked(ID_LENGTH)?;
    Some((Uuid::try_parse_ascii(id).ok().map(UserId), json))
}

/// Encodes the entry of an auction: status, leader, JSON.
pub(super) fn encode_auction(status: AuctionStatus, leader: Option<UserId>, json: &[u8]) -> Vec<u8> {
    let mut entry = encode_user(leader, json);
    entry.insert(0, status_byte(status));
    entry
}

/// Decodes status, leader and JSON of the entry of an auction.
pub(super) fn decode_auction(entry: &[u8]) -> Option<(AuctionStatus, Option<UserId>, &[u8])> {
    let (first, rest) = entry.split_first()?;
    let status = AuctionStatus::ALL.into_iter().find(|status| status_byte(*status) == *first)?;
    let (leader, json) = decode_user(rest)?;
    Some((status, leader, json))
}

fn status_byte(status: AuctionStatus) -> u8 {
    match status {
        AuctionStatus::Open => b'o',
        AuctionStatus::Closed => b'c',
        AuctionStatus::Cancelled => b'x',
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_round_trip() {
        let ada = UserId(Uuid::from_u128(7));
        for status in AuctionStatus::ALL {
            for leader in [None, Some(ada)] {
                let entry = encode_auction(status, leader, b"{}");
                assert_eq!(decode_auction(&entry), Some((status, leader, &b"{}"[..])));
            }
        }
        assert_eq!(decode_user(&encode_user(Some(ada), b"{}")), Some((Some(ada), &b"{}"[..])));
        assert_eq!(decode_user(b"short"), None);
    }
}
