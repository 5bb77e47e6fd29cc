//! Which partition an aggregate lives in: the low 64 bits of its id, modulo the number of partitions.

use std::fmt;
use thiserror::Error;
use uuid::Uuid;

/// One partition, from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PartitionId(pub u16);

impl fmt::Display for PartitionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}", self.0)
    }
}

/// How many partitions there are: fixed when a portal is started for the first time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartitionCount(u16);

/// Why a number of partitions is not possible.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("there can be 1 to 100 partitions, not {0}")]
pub struct PartitionCountError(pub u16);

impl PartitionCount {
    /// From 1 to 100: each is a lane of its own, with connections of its own.
    pub fn new(count: u16) -> Result<PartitionCount, PartitionCountError> {
        if (1..=100).contains(&count) { Ok(PartitionCount(count)) } else { Err(PartitionCountError(count)) }
    }

    /// The number itself.
    pub fn get(self) -> u16 {
        self.0
    }

    /// The partition of an aggregate.
    pub fn of(self, key: Uuid) -> PartitionId {
        let (_, low) = key.as_u64_pair();
        // The remainder is below a u16.
        PartitionId((low % u64::from(self.0)) as u16)
    }

    /// All partitions in order.
    pub fn all(self) -> impl Iterator<Item = PartitionId> {
        (0..self.0).map(PartitionId)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_partition_is_the_low_half_of_the_id_modulo_the_count() {
        let count = PartitionCount::new(8).unwrap();
        assert_eq!(count.of(Uuid::from_u64_pair(u64::MAX, 13)), PartitionId(5));
        assert_eq!(count.of(Uuid::from_u64_pair(0, u64::MAX)), PartitionId(7));
        assert_eq!(PartitionId(7).to_string(), "07");
    }

    #[test]
    fn there_is_at_least_one_partition() {
        assert_eq!(PartitionCount::new(0), Err(PartitionCountError(0)));
        assert_eq!(PartitionCount::new(101), Err(PartitionCountError(101)));
    }
}
