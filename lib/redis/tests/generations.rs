//! Generations of views in Redis keep their contract.

use auction_app::ports::Unavailable;
use auction_app::ports::views::read_models::ReadModelConnector;
use auction_redis::views::{RedisGenerations, RedisViewStore, RedisViewStores, RedisViews};
use auction_testkit::contract::generations::Adapter;
use auction_testkit::local_servers::{PARTITIONS, TestRedis, redis};
use auction_wire::{PartitionCount, PartitionId};

/// Keeps its logical database for as long as the test runs.
struct Stores(RedisViewStores, #[allow(dead_code)] TestRedis);

impl ReadModelConnector for Stores {
    type Store = RedisViewStore;
    async fn open(&self, partition: PartitionId) -> Result<RedisViewStore, Unavailable> {
        self.0.open(partition).await
    }
}

async fn adapter() -> Adapter<Stores, RedisGenerations, RedisViews> {
    let redis = redis().await;
    let pool = deadpool_redis::Config::from_url(redis.url());
    let pool = pool.create_pool(Some(deadpool_redis::Runtime::Tokio1)).unwrap();
    let views = RedisViews::new(pool.clone(), PartitionCount::new(PARTITIONS).unwrap());
    let generations = RedisGenerations::new(redis.client(), pool);
    Adapter { stores: Stores(RedisViewStores::new(redis.client()), redis), generations, views }
}

auction_testkit::contract_tests!(generations, adapter().await);
