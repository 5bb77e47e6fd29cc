//! Progress of the read models.

use crate::Failure;
use crate::bench::backlog::partitions;
use crate::bench::environment::BenchEnvironment;
use auction_app::ports::views::read_models::ReadModelReader;
use auction_redis::views::{RedisGenerations, RedisReadModelReader};
use auction_wire::PartitionCount;
use std::time::{Duration, Instant};

const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// Time limit for reaching a position.
const TIMEOUT: Duration = Duration::from_secs(600);

/// The read models of a benchmark.
pub(crate) struct ReadModels {
    views: RedisReadModelReader,
    generations: RedisGenerations,
    partitions: PartitionCount,
}

impl ReadModels {
    pub(crate) fn new(bench: &BenchEnvironment) -> Result<ReadModels, Failure> {
        let pool = deadpool_redis::Config::from_url(bench.redis_url());
        let pool = pool.create_pool(Some(deadpool_redis::Runtime::Tokio1))?;
        let partitions = partitions()?;
        let generations = RedisGenerations::new(bench.redis_client()?, pool.clone());
        Ok(ReadModels { views: RedisReadModelReader::new(pool, partitions), generations, partitions })
    }

    pub(crate) fn partitions(&self) -> PartitionCount {
        self.partitions
    }

    pub(crate) fn generations(&self) -> &RedisGenerations {
        &self.generations
    }

    /// Returns the checkpoint of each partition: the position up to which the read models are complete.
    pub(crate) async fn checkpoints(&self) -> Result<Vec<u64>, Failure> {
        let all = self.partitions.all().map(|partition| self.views.checkpoint(partition));
        Ok(futures_util::future::try_join_all(all).await?)
    }

    /// Waits until the read models contain this many events. Returns their number.
    pub(crate) async fn wait_for_events(&self, events: u64) -> Result<u64, Failure> {
        let began = Instant::now();
        loop {
            let position = self.checkpoints().await?.iter().sum();
            if position >= events {
                return Ok(position);
            }
            if began.elapsed() > TIMEOUT {
                return Err(format!(
                    "the read models contain only {position} of {events} events after {TIMEOUT:?}"
                )
                .into());
            }
            tokio::time::sleep(POLL_INTERVAL).await;
        }
    }
}
