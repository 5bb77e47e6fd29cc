//! How far everybody is with every stream, and who works on it.

mod rates;
mod report_json;

pub use rates::Rates;
pub use report_json::owner;

use crate::ports::Unavailable;
use crate::ports::events::heads::HeadReader;
use crate::ports::operator::stream_stats::{StreamStats, StreamStatsReader};
use auction_wire::{PartitionId, Positions};

/// Everything at one moment, more or less.
#[derive(Debug)]
pub struct StreamsReport {
    /// The streams.
    pub seen: StreamStats,
    /// The newest events that are stored, or why the store could not be asked.
    pub stored: Result<Positions, Unavailable>,
}

/// Looks once.
pub async fn collect(
    progress: &impl StreamStatsReader,
    heads: &impl HeadReader,
    partitions: &[PartitionId],
) -> Result<StreamsReport, Unavailable> {
    let seen = progress.collect(partitions).await?;
    // What is stored is published a moment later: asked the other way round, it could look lost.
    Ok(StreamsReport { seen, stored: heads.heads().await })
}

impl StreamsReport {
    /// The newest event of a partition that is stored.
    pub fn stored(&self, partition: PartitionId) -> Option<u64> {
        self.stored.as_ref().ok().map(|stored| stored.get(partition))
    }
}
