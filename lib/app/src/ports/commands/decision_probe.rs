//! Observes whether commands are decided.

use crate::ports::Unavailable;
use auction_domain::Timestamp;
use auction_wire::PartitionId;
use std::future::Future;

/// Commands and writers of one partition at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartitionDecisions {
    /// Partition that the numbers belong to.
    pub partition: PartitionId,
    /// Whether a writer owns the partition, or partitions have no owner in this mode of concurrency.
    pub has_writer: bool,
    /// Number of commands without an outcome, delivered or not.
    pub undecided: u64,
    /// Number of commands decided so far; none if it is unknown.
    pub decided: Option<u64>,
    /// Whether every command was delivered to a writer.
    pub all_delivered: bool,
    /// Time of the oldest command that was delivered and is not decided.
    pub oldest_delivered: Option<Timestamp>,
}

/// Observes the commands and writers of all partitions.
pub trait DecisionProbe: Send {
    /// Returns the current state of each partition. Observing changes nothing.
    fn sample(&mut self) -> impl Future<Output = Result<Vec<PartitionDecisions>, Unavailable>> + Send;
}
