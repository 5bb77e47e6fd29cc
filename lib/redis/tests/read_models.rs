//! Contract tests of the read models, on a real Redis.

use auction_app::ports::Unavailable;
use auction_app::ports::views::read_models::{ReadModelConnector, ReadModelReader};
use auction_redis::RedisPool;
use auction_redis::views::{RedisReadModelConnector, RedisReadModelReader, RedisReadModelWriter};
use auction_testkit::contract::read_models::Adapter;
use auction_testkit::local_servers::{PARTITIONS, TestRedis, redis};
use auction_wire::{PartitionCount, PartitionId};

/// Adapter under test, with the logical database that it uses while the test runs.
pub(crate) struct Stores(RedisReadModelConnector, #[allow(dead_code)] TestRedis);

impl Stores {
    pub(crate) fn new(redis: TestRedis) -> Stores {
        Stores(RedisReadModelConnector::new(redis.client()), redis)
    }
}

impl ReadModelConnector for Stores {
    type Store = RedisReadModelWriter;
    async fn open(&self, partition: PartitionId) -> Result<RedisReadModelWriter, Unavailable> {
        self.0.open(partition).await
    }
}

pub(crate) fn pool(redis: &TestRedis) -> RedisPool {
    RedisPool::new(redis.client(), 4).unwrap()
}

async fn adapter() -> Adapter<Stores, impl ReadModelReader> {
    let redis = redis().await;
    let views = RedisReadModelReader::new(pool(&redis), PartitionCount::new(PARTITIONS).unwrap());
    Adapter { stores: Stores::new(redis), views }
}

auction_testkit::contract_tests!(read_models, adapter().await);
