//! Partitions: an aggregate belongs to the partition given by the low 64 bits of its id, modulo the number of
//! partitions.

use std::fmt;
use thiserror::Error;
use uuid::Uuid;

/// Number of a partition, from 0. Displayed with two digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PartitionId(pub u16);

impl fmt::Display for PartitionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}", self.0)
    }
}

/// Number of partitions. Fixed when a portal is started for the first time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartitionCount(u16);

/// Error for a number of partitions outside 1 to 100.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the number of partitions must be 1 to 100, not {0}")]
pub struct PartitionCountError(pub u16);

impl PartitionCount {
    /// Accepts 1 to 100: each partition costs a task and connections of its own.
    pub fn new(count: u16) -> Result<PartitionCount, PartitionCountError> {
        if (1..=100).contains(&count) { Ok(PartitionCount(count)) } else { Err(PartitionCountError(count)) }
    }

    pub fn get(self) -> u16 {
        self.0
    }

    /// Returns the partition of an aggregate.
    pub fn of(self, key: Uuid) -> PartitionId {
        let (_, low) = key.as_u64_pair();
        // The remainder is less than the divisor, which is a u16.
        PartitionId((low % u64::from(self.0)) as u16)
    }

    /// Returns all partitions in ascending order.
    pub fn all(self) -> impl Iterator<Item = PartitionId> {
        (0..self.0).map(PartitionId)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partition_is_the_low_half_of_the_id_modulo_the_count() {
        let count = PartitionCount::new(8).unwrap();
        assert_eq!(count.of(Uuid::from_u64_pair(u64::MAX, 13)), PartitionId(5));
        assert_eq!(count.of(Uuid::from_u64_pair(0, u64::MAX)), PartitionId(7));
        assert_eq!(PartitionId(7).to_string(), "07");
    }

    #[test]
    fn partition_count_is_from_1_to_100() {
        assert_eq!(PartitionCount::new(0), Err(PartitionCountError(0)));
        assert_eq!(PartitionCount::new(101), Err(PartitionCountError(101)));
    }
}
