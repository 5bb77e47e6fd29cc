//! How far the views are.

use crate::Failure;
use crate::bench::backlog::partitions;
use crate::bench::environment::BenchEnvironment;
use auction_app::ports::views::read_models::ReadModelReader;
use auction_redis::views::{RedisGenerations, RedisViews};
use auction_wire::PartitionCount;
use std::time::{Duration, Instant};

/// Between two looks at how far they are.
const LOOK: Duration = Duration::from_millis(20);

/// Nothing takes longer.
const PATIENCE: Duration = Duration::from_secs(600);

/// The views of a benchmark's Redis.
pub(crate) struct ReadModels {
    views: RedisViews,
    generations: RedisGenerations,
    partitions: PartitionCount,
}

impl ReadModels {
    pub(crate) fn new(bench: &BenchEnvironment) -> Result<ReadModels, Failure> {
        let pool = deadpool_redis::Config::from_url(bench.redis_url());
        let pool = pool.create_pool(Some(deadpool_redis::Runtime::Tokio1))?;
        let partitions = partitions()?;
        let generations = RedisGenerations::new(bench.redis_client()?, pool.clone());
        Ok(ReadModels { views: RedisViews::new(pool, partitions), generations, partitions })
    }

    pub(crate) fn partitions(&self) -> PartitionCount {
        self.partitions
    }

    pub(crate) fn generations(&self) -> &RedisGenerations {
        &self.generations
    }

    /// The position of each partition up to which events are in the views.
    pub(crate) async fn checkpoints(&self) -> Result<Vec<u64>, Failure> {
        let all = self.partitions.all().map(|partition| self.views.checkpoint(partition));
        Ok(futures_util::future::try_join_all(all).await?)
    }

    /// Waits until so many events are in the views; how many they are then.
    pub(crate) async fn reached(&self, events: u64) -> Result<u64, Failure> {
        let began = Instant::now();
        loop {
            let position = self.checkpoints().await?.iter().sum();
            if position >= events {
                return Ok(position);
            }
            if began.elapsed() > PATIENCE {
                return Err(format!("{position} of {events} events in the views after {PATIENCE:?}").into());
            }
            tokio::time::sleep(LOOK).await;
        }
    }
}
