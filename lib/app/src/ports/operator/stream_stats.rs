//! Statistics of the streams and their consumers, for operators.

use crate::ports::Unavailable;
use async_trait::async_trait;
use auction_wire::PartitionId;
use worker_runtime::EntryId;

/// Reads the statistics of the streams. Reading changes nothing.
#[async_trait]
pub trait StreamStatsReader: Send + Sync {
    /// Returns the statistics of these partitions. The numbers of one stream are of one moment; those of two
    /// streams may not be.
    async fn collect(&self, partitions: &[PartitionId]) -> Result<StreamStats, Unavailable>;
}

/// Statistics of some partitions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamStats {
    /// When the collection started, by the clock of the streams, in milliseconds since 1970.
    pub now_ms: u64,
    /// Statistics of each requested partition.
    pub partitions: Vec<PartitionProgress>,
}

/// Statistics of one partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartitionProgress {
    /// Partition that the statistics belong to.
    pub partition: PartitionId,
    /// Existing streams: commands, events, dead letters.
    pub streams: Vec<StreamProgress>,
    /// Position of the newest published event.
    pub published: u64,
    /// Number of dead letters.
    pub dead_letters: u64,
}

/// Number of entries, counted up to a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LagCount {
    /// The exact number of entries.
    Exact(u64),
    /// A lower bound: counting stopped at the limit.
    AtLeast(u64),
}

/// Statistics of one stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamProgress {
    /// Key of the stream.
    pub key: String,
    /// Current number of entries.
    pub length: u64,
    /// Number of entries that were ever added.
    pub added: u64,
    /// Newest entry id that the stream ever had.
    pub last: EntryId,
    /// Consumer groups of the stream.
    pub groups: Vec<GroupProgress>,
}

/// Statistics of one consumer group of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupProgress {
    /// Name of the group, which is that of its component.
    pub name: String,
    /// Entries that were not delivered yet.
    pub lag: LagCount,
    /// Entries that were delivered and not acknowledged.
    pub pending: u64,
    /// Time of the oldest unacknowledged entry, delivered or not, in milliseconds since 1970.
    pub oldest_ms: Option<u64>,
    /// Holder of the partition's lease, if there is a lease.
    pub lease: Option<String>,
    /// Consumers of the group.
    pub consumers: Vec<Consumer>,
}

/// One consumer of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Consumer {
    /// Name: host, process id and a random number.
    pub name: String,
    /// Entries that were delivered to this consumer and not acknowledged.
    pub pending: u64,
    /// Time since its last read or claim, in milliseconds.
    pub idle_ms: u64,
}
