//! Positions by partition. Clients receive them as the value of `Consistency-Token` and send them back
//! unchanged.
//!
//! A token is base64url of these bytes: the token version (1), then for each partition in ascending order its
//! number (one byte) and its position in LEB128. A token is neither secret nor signed: a client that makes
//! one up only waits for positions that do not come, at most until the read timeout.

use crate::{PartitionCount, PartitionId};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use std::collections::BTreeMap;

/// Version of the token format.
const TOKEN_VERSION: u8 = 1;

/// Positions of some partitions. A partition without an entry has position zero.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Positions(BTreeMap<PartitionId, u64>);

impl Positions {
    pub fn of(partition: PartitionId, position: u64) -> Positions {
        [(partition, position)].into_iter().collect()
    }

    /// Returns the position of a partition; zero without an entry.
    pub fn get(&self, partition: PartitionId) -> u64 {
        self.0.get(&partition).copied().unwrap_or_default()
    }

    /// Returns all non-zero positions in ascending order of their partitions.
    pub fn iter(&self) -> impl Iterator<Item = (PartitionId, u64)> + '_ {
        self.0.iter().map(|(partition, position)| (*partition, *position))
    }

    /// Returns whether all positions are zero.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Raises each position to at least that in `others`.
    pub fn raise(&mut self, others: &Positions) {
        for (partition, position) in others.iter() {
            let known = self.0.entry(partition).or_default();
            *known = position.max(*known);
        }
    }

    /// Returns the positions of these partitions only.
    pub fn within(&self, partitions: &[PartitionId]) -> Positions {
        self.iter().filter(|(partition, _)| partitions.contains(partition)).collect()
    }

    /// Returns the positions of all partitions but these.
    pub fn without(&self, partitions: &[PartitionId]) -> Positions {
        self.iter().filter(|(partition, _)| !partitions.contains(partition)).collect()
    }

    /// Returns the partition with the largest lag behind `required`, with its required and its actual
    /// position. Returns `None` if no partition lags.
    pub fn largest_lag(&self, required: &Positions) -> Option<(PartitionId, u64, u64)> {
        let lagging = required.iter().filter(|(partition, position)| self.get(*partition) < *position);
        let lagging = lagging.map(|(partition, position)| (partition, position, self.get(partition)));
        lagging.max_by_key(|(_, required, actual)| required - actual)
    }

    /// Returns whether every position in `required` is reached.
    pub fn cover(&self, required: &Positions) -> bool {
        required.iter().all(|(partition, position)| self.get(partition) >= position)
    }

    /// Encodes the positions as a token.
    pub fn to_token(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.to_bytes())
    }

    /// Decodes a token. Returns `None` if it is invalid for a portal with this number of partitions.
    pub fn from_token(token: &str, partitions: PartitionCount) -> Option<Positions> {
        Positions::from_bytes(&URL_SAFE_NO_PAD.decode(token).ok()?, partitions)
    }

    /// Encodes the positions as the bytes of a token.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(1 + 5 * self.0.len());
        bytes.push(TOKEN_VERSION);
        for (partition, mut position) in self.iter() {
            // A partition number fits into a byte: there are at most 100 partitions.
            bytes.push(partition.0 as u8);
            while position >= 0x80 {
                bytes.push(position as u8 | 0x80);
                position >>= 7;
            }
            bytes.push(position as u8);
        }
        bytes
    }

    /// Decodes the bytes of a token. Returns `None` if they are not the one encoding of some positions.
    pub fn from_bytes(bytes: &[u8], partitions: PartitionCount) -> Option<Positions> {
        let mut rest = bytes.strip_prefix(&[TOKEN_VERSION])?.iter();
        let mut positions = Positions::default();
        while let Some(partition) = rest.next() {
            let (partition, mut position) = (PartitionId(u16::from(*partition)), 0);
            // Positions are less than 2^63, which fits into nine groups of seven bits.
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
        // Refuses other encodings of the same positions, such as zero-padded or unordered ones.
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

    fn positions(list: &[(u16, u64)]) -> Positions {
        list.iter().map(|(partition, position)| (PartitionId(*partition), *position)).collect()
    }

    #[test]
    fn positions_round_trip_as_short_tokens() {
        for list in [&[][..], &[(0, 1)], &[(3, 127), (5, 128), (7, u64::MAX >> 1)]] {
            let token = positions(list).to_token();
            assert_eq!(Positions::from_token(&token, eight()), Some(positions(list)), "{token}");
        }
        assert_eq!(positions(&[(7, 1_000_000)]).to_token().len(), 7);
        assert_eq!(positions(&[(7, 0)]), Positions::default(), "zero is the same as no entry");
    }

    #[test]
    fn invalid_tokens_are_refused() {
        let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let invalid = [
            &[][..],                                                                // empty
            &[2, 0, 1],                                                             // unknown version
            &[1, 0],                                                                // no position
            &[1, 0, 0x80],                                                          // incomplete position
            &[1, 8, 1],                                                             // unknown partition
            &[1, 0, 0],                                                             // zero position
            &[1, 0, 0x81, 0],                                                       // padded position
            &[1, 2, 1, 1, 1],                                                       // out of order
            &[1, 1, 1, 1, 2],                                                       // partition twice
            &[1, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1], // position too large
        ];
        for bytes in invalid {
            assert_eq!(Positions::from_token(&text(bytes), eight()), None, "{bytes:?}");
        }
        for other in ["AQ==", "!", "17", "\"AQAB\""] {
            assert_eq!(Positions::from_token(other, eight()), None, "{other}");
        }
    }

    #[test]
    fn positions_are_compared_by_partition() {
        let actual = positions(&[(0, 5), (1, 9)]);
        assert!(actual.cover(&positions(&[(0, 5)])) && actual.cover(&Positions::default()));
        assert_eq!(actual.largest_lag(&positions(&[(0, 5), (1, 8)])), None);
        let required = positions(&[(0, 6), (1, 1), (2, 4)]);
        assert!(!actual.cover(&required));
        assert_eq!(actual.largest_lag(&required), Some((PartitionId(2), 4, 0)));
        let mut both = actual.clone();
        both.raise(&required);
        assert_eq!(both, positions(&[(0, 6), (1, 9), (2, 4)]));
        assert_eq!(both.within(&[PartitionId(1)]), positions(&[(1, 9)]));
        assert_eq!(both.without(&[PartitionId(1)]), positions(&[(0, 6), (2, 4)]));
    }
}
