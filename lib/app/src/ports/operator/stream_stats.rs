//! How far everybody is with the streams, for operators. Looking changes nothing.

use crate::ports::Unavailable;
use auction_wire::PartitionId;
use std::future::Future;
use worker_runtime::EntryId;

/// Looks at the streams.
pub trait StreamStatsReader: Send + Sync {
    /// Each stream by itself is seen at one moment.
    fn collect(
        &self,
        partitions: &[PartitionId],
    ) -> impl Future<Output = Result<StreamStats, Unavailable>> + Send;
}

/// What was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamStats {
    /// When it began, by the clock of Redis, in milliseconds since 1970.
    pub now_ms: u64,
    /// The partitions that were asked for.
    pub partitions: Vec<PartitionProgress>,
}

/// A partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartitionProgress {
    /// Which.
    pub partition: PartitionId,
    /// The streams that there are: commands, events, dead letters.
    pub streams: Vec<StreamProgress>,
    /// Position of the newest event that was published.
    pub published: u64,
    /// So many commands could not be handled.
    pub dead_letters: u64,
}

/// A number of entries that was counted, up to where counting ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LagCount {
    /// So many.
    Exact(u64),
    /// So many or more.
    AtLeast(u64),
}

/// One stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamProgress {
    /// Its key.
    pub key: String,
    /// How many entries it has.
    pub length: u64,
    /// How many it ever had.
    pub added: u64,
    /// The newest id it ever had.
    pub last: EntryId,
    /// Who reads it.
    pub groups: Vec<GroupProgress>,
}

/// One consumer group of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupProgress {
    /// Its name, which is that of the role.
    pub name: String,
    /// Entries that were not delivered to anybody yet.
    pub lag: LagCount,
    /// Entries that were delivered and not acknowledged.
    pub pending: u64,
    /// Time of the oldest entry that is not acknowledged, delivered or not, in milliseconds since 1970.
    pub oldest_ms: Option<u64>,
    /// Who holds the lease of the partition, if there is one.
    pub lease: Option<String>,
    /// Its consumers.
    pub consumers: Vec<Consumer>,
}

/// One consumer of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Consumer {
    /// Its name: host, process, and a random number.
    pub name: String,
    /// Entries that it was delivered and has not acknowledged.
    pub pending: u64,
    /// How long ago it last read or claimed, in milliseconds.
    pub idle_ms: u64,
}
