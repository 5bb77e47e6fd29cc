//! How far something is: a position of each partition that matters. Clients hold it as the value of
//! `Consistency-Token`, and give it back unread.
//!
//! A token is base64url of a byte for the form (1), then for each partition, in order, a byte with its number
//! and the position as LEB128: seven bits a byte, the lowest first. It is no secret and has no seal: whoever
//! makes one up waits for what does not come, for as long as he may wait anyway.

use crate::{PartitionCount, PartitionId};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use std::collections::BTreeMap;

/// The form of a token.
const FORM: u8 = 1;

/// Positions of some partitions, none of them zero.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Positions(BTreeMap<PartitionId, u64>);

impl Positions {
    /// Of one partition.
    pub fn of(partition: PartitionId, position: u64) -> Positions {
        [(partition, position)].into_iter().collect()
    }

    /// That of a partition; zero if it does not matter.
    pub fn get(&self, partition: PartitionId) -> u64 {
        self.0.get(&partition).copied().unwrap_or_default()
    }

    /// All of them, by partition.
    pub fn iter(&self) -> impl Iterator<Item = (PartitionId, u64)> + '_ {
        self.0.iter().map(|(partition, position)| (*partition, *position))
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// At least as far as the others, too.
    pub fn raise(&mut self, others: &Positions) {
        for (partition, position) in others.iter() {
            let known = self.0.entry(partition).or_default();
            *known = position.max(*known);
        }
    }

    /// Those of these partitions alone.
    pub fn within(&self, partitions: &[PartitionId]) -> Positions {
        self.iter().filter(|(partition, _)| partitions.contains(partition)).collect()
    }

    /// Those of other partitions alone.
    pub fn without(&self, partitions: &[PartitionId]) -> Positions {
        self.iter().filter(|(partition, _)| !partitions.contains(partition)).collect()
    }

    /// Of the partitions that are not that far, the one that is the furthest behind: what was wanted of it, and
    /// how far it is.
    pub fn furthest_behind(&self, wanted: &Positions) -> Option<(PartitionId, u64, u64)> {
        let behind = wanted.iter().filter(|(partition, position)| self.get(*partition) < *position);
        let behind = behind.map(|(partition, position)| (partition, position, self.get(partition)));
        behind.max_by_key(|(_, wanted, shown)| wanted - shown)
    }

    /// Whether all of these are reached.
    pub fn cover(&self, wanted: &Positions) -> bool {
        wanted.iter().all(|(partition, position)| self.get(partition) >= position)
    }

    /// As a token.
    pub fn to_token(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.to_bytes())
    }

    /// Reads a token; none if it is not one of a portal with so many partitions.
    pub fn from_token(token: &str, partitions: PartitionCount) -> Option<Positions> {
        Positions::from_bytes(&URL_SAFE_NO_PAD.decode(token).ok()?, partitions)
    }

    /// The bytes of a token.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(1 + 5 * self.0.len());
        bytes.push(FORM);
        for (partition, mut position) in self.iter() {
            // There are at most a hundred partitions.
            bytes.push(partition.0 as u8);
            while position >= 0x80 {
                bytes.push(position as u8 | 0x80);
                position >>= 7;
            }
            bytes.push(position as u8);
        }
        bytes
    }

    /// Reads the bytes of a token.
    pub fn from_bytes(bytes: &[u8], partitions: PartitionCount) -> Option<Positions> {
        let mut rest = bytes.strip_prefix(&[FORM])?.iter();
        let mut positions = Positions::default();
        while let Some(partition) = rest.next() {
            let (partition, mut position) = (PartitionId(u16::from(*partition)), 0);
            // Positions are below 2^63, which is nine times seven bits.
            for shift in (0..63).step_by(7) {
                let byte = rest.next()?;
                position |= u64::from(byte & 0x7f) << shift;
                if byte & 0x80 == 0 {
                    break;
                }
            }
            if partition.0 >= partitions.get() || position == 0 {
                return None;
            }
            positions.0.insert(partition, position);
        }
        // There is one way to write each.
        (positions.to_bytes() == bytes).then_some(positions)
    }
}

impl FromIterator<(PartitionId, u64)> for Positions {
    fn from_iter<I: IntoIterator<Item = (PartitionId, u64)>>(positions: I) -> Positions {
        Positions(positions.into_iter().filter(|(_, position)| *position > 0).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn eight() -> PartitionCount {
        PartitionCount::new(8).unwrap()
    }

    fn positions(of: &[(u16, u64)]) -> Positions {
        of.iter().map(|(partition, position)| (PartitionId(*partition), *position)).collect()
    }

    #[test]
    fn a_token_comes_back_and_is_short() {
        for of in [&[][..], &[(0, 1)], &[(3, 127), (5, 128), (7, u64::MAX >> 1)]] {
            let token = positions(of).to_token();
            assert_eq!(Positions::from_token(&token, eight()), Some(positions(of)), "{token}");
        }
        assert_eq!(positions(&[(7, 1_000_000)]).to_token().len(), 7);
        assert_eq!(positions(&[(7, 0)]), Positions::default(), "nothing is before the first event");
    }

    #[test]
    fn what_is_no_token_is_not_read() {
        let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let unclean = [
            &[][..],                                                                // nothing
            &[2, 0, 1],                                                             // another form
            &[1, 0],                                                                // no position
            &[1, 0, 0x80],                                                          // half a position
            &[1, 8, 1],                                                             // no such partition
            &[1, 0, 0],                                                             // nothing is there
            &[1, 0, 0x81, 0],                                                       // longer than need be
            &[1, 2, 1, 1, 1],                                                       // out of order
            &[1, 1, 1, 1, 2],                                                       // twice
            &[1, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1], // too large
        ];
        for bytes in unclean {
            assert_eq!(Positions::from_token(&text(bytes), eight()), None, "{bytes:?}");
        }
        for other in ["AQ==", "!", "17", "\"AQAB\""] {
            assert_eq!(Positions::from_token(other, eight()), None, "{other}");
        }
    }

    #[test]
    fn what_is_wanted_is_covered_partition_by_partition() {
        let shown = positions(&[(0, 5), (1, 9)]);
        assert!(shown.cover(&positions(&[(0, 5)])) && shown.cover(&Positions::default()));
        assert_eq!(shown.furthest_behind(&positions(&[(0, 5), (1, 8)])), None);
        let wanted = positions(&[(0, 6), (1, 1), (2, 4)]);
        assert!(!shown.cover(&wanted));
        assert_eq!(shown.furthest_behind(&wanted), Some((PartitionId(2), 4, 0)));
        let mut both = shown.clone();
        both.raise(&wanted);
        assert_eq!(both, positions(&[(0, 6), (1, 9), (2, 4)]));
        assert_eq!(both.within(&[PartitionId(1)]), positions(&[(1, 9)]));
        assert_eq!(both.without(&[PartitionId(1)]), positions(&[(0, 6), (2, 4)]));
    }
}
