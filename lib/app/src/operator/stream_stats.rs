//! Statistics of streams and consumer groups: lag, pending entries, rates and owners.

mod rates;
mod report_json;

pub use rates::Rates;
pub use report_json::owner;

use crate::ports::Unavailable;
use crate::ports::events::heads::HeadReader;
use crate::ports::operator::stream_stats::{StreamStats, StreamStatsReader};
use auction_wire::{PartitionId, Positions};

/// State of all streams. The values are read one after another, not at one instant.
#[derive(Debug)]
pub struct StreamsReport {
    pub stats: StreamStats,
    /// The head of each partition, or the error if the event store is unavailable.
    pub stored: Result<Positions, Unavailable>,
}

/// Reads the current state of all streams and the heads of the event store.
pub async fn collect(
    reader: &dyn StreamStatsReader,
    heads: &dyn HeadReader,
    partitions: &[PartitionId],
) -> Result<StreamsReport, Unavailable> {
    let stats = reader.collect(partitions).await?;
    // Events are published after they are stored. With the heads read first, a published event could look
    // lost.
    Ok(StreamsReport { stats, stored: heads.heads().await })
}

impl StreamsReport {
    /// Returns the head of a partition in the event store; none if the store is unavailable.
    pub fn stored(&self, partition: PartitionId) -> Option<u64> {
        self.stored.as_ref().ok().map(|stored| stored.get(partition))
    }
}
