//! Contract tests of read-model generations, on a real Redis.

use crate::read_models::{Stores, pool};
use auction_redis::views::{RedisGenerations, RedisReadModelReader};
use auction_testkit::contract::generations::Adapter;
use auction_testkit::local_servers::{PARTITIONS, redis};
use auction_wire::PartitionCount;

async fn adapter() -> Adapter<Stores, RedisGenerations, RedisReadModelReader> {
    let redis = redis().await;
    let views = RedisReadModelReader::new(pool(&redis), PartitionCount::new(PARTITIONS).unwrap());
    let generations = RedisGenerations::new(redis.client(), pool(&redis));
    Adapter { stores: Stores::new(redis), generations, views }
}

auction_testkit::contract_tests!(generations, adapter().await);
