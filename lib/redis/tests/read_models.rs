//! Contract tests of the read models, on a real Redis.

use auction_app::ports::Unavailable;
use auction_app::ports::views::read_models::{ReadModelConnector, ReadModelReader};
use auction_redis::views::{RedisReadModelConnector, RedisReadModelReader, RedisReadModelWriter};
use auction_testkit::contract::read_models::Adapter;
use auction_testkit::local_servers::{PARTITIONS, TestRedis, redis};
use auction_wire::{PartitionCount, PartitionId};

/// Adapter under test, with the logical database that it uses while the test runs.
struct Stores(RedisReadModelConnector, #[allow(dead_code)] TestRedis);

impl ReadModelConnector for Stores {
    type Store = RedisReadModelWriter;
    async fn open(&self, partition: PartitionId) -> Result<RedisReadModelWriter, Unavailable> {
        self.0.open(partition).await
    }
}

async fn adapter() -> Adapter<Stores, impl ReadModelReader> {
    let redis = redis().await;
    let pool = deadpool_redis::Config::from_url(redis.url());
    let pool = pool.create_pool(Some(deadpool_redis::Runtime::Tokio1)).unwrap();
    let views = RedisReadModelReader::new(pool, PartitionCount::new(PARTITIONS).unwrap());
    Adapter { stores: Stores(RedisReadModelConnector::new(redis.client()), redis), views }
}

auction_testkit::contract_tests!(read_models, adapter().await);
