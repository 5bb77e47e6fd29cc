//! The views in Redis keep their contract.

use auction_app::ports::Unavailable;
use auction_app::ports::views::read_models::{ReadModelConnector, ReadModelReader};
use auction_redis::views::{RedisViewStore, RedisViewStores, RedisViews};
use auction_testkit::contract::read_models::Adapter;
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

async fn adapter() -> Adapter<Stores, impl ReadModelReader> {
    let redis = redis().await;
    let pool = deadpool_redis::Config::from_url(redis.url());
    let pool = pool.create_pool(Some(deadpool_redis::Runtime::Tokio1)).unwrap();
    let views = RedisViews::new(pool, PartitionCount::new(PARTITIONS).unwrap());
    Adapter { stores: Stores(RedisViewStores::new(redis.client()), redis), views }
}

auction_testkit::contract_tests!(view_store, adapter().await);
