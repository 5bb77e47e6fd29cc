//! Stored lines that begin with what only the portal reads: fixed in length, so that the JSON behind it is
//! served without being read.

use auction_domain::UserId;
use auction_wire::view::AuctionStatus;
use uuid::Uuid;
use uuid::fmt::Hyphenated;

/// The length of a user's id, or of blanks for nobody.
const ID: usize = Hyphenated::LENGTH;

/// A line that begins with a user.
pub(super) fn with_user(user: Option<UserId>, json: &[u8]) -> Vec<u8> {
    let mut line = Vec::with_capacity(ID + json.len());
    match user {
        Some(user) => line.extend_from_slice(user.0.hyphenated().encode_lower(&mut [0; ID]).as_bytes()),
        None => line.extend_from_slice(&[b' '; ID]),
    }
    line.extend_from_slice(json);
    line
}

/// The user and the JSON of a line.
pub(super) fn read_user(line: &[u8]) -> Option<(Option<UserId>, &[u8])> {
    let (id, json) = line.split_at_checked(ID)?;
    Some((Uuid::try_parse_ascii(id).ok().map(UserId), json))
}

/// The line of an auction: its status, its leader, its JSON.
pub(super) fn of_auction(status: AuctionStatus, leader: Option<UserId>, json: &[u8]) -> Vec<u8> {
    let mut line = with_user(leader, json);
    line.insert(0, letter(status));
    line
}

/// Status, leader and JSON of the line of an auction.
pub(super) fn read_auction(line: &[u8]) -> Option<(AuctionStatus, Option<UserId>, &[u8])> {
    let (first, rest) = line.split_first()?;
    let status = AuctionStatus::ALL.into_iter().find(|status| letter(*status) == *first)?;
    let (leader, json) = read_user(rest)?;
    Some((status, leader, json))
}

fn letter(status: AuctionStatus) -> u8 {
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
    fn lines_come_back() {
        let ada = UserId(Uuid::from_u128(7));
        for status in AuctionStatus::ALL {
            for leader in [None, Some(ada)] {
                let line = of_auction(status, leader, b"{}");
                assert_eq!(read_auction(&line), Some((status, leader, &b"{}"[..])));
            }
        }
        assert_eq!(read_user(&with_user(Some(ada), b"{}")), Some((Some(ada), &b"{}"[..])));
        assert_eq!(read_user(b"short"), None);
    }
}
