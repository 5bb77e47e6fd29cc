//! The auctioneer: follows every partition for the ends of auctions, and closes those that are due.

use crate::connections::Connections;
use crate::settings::{Settings, millis};
use crate::tasks::Tasks;
use auction_app::close::{self, Schedule, Watch};
use auction_app::follow::follow;
use auction_app::stop::Stop;
use auction_redis::feed::RedisFeeds;
use auction_redis::queue::RedisQueue;
use std::convert::Infallible;
use std::sync::Arc;

pub(super) fn start(settings: &Settings, connections: &Connections, tasks: &mut Tasks, stop: &Stop) {
    let auctioneer = &settings.auctioneer;
    let feeds =
        RedisFeeds::new(connections.redis.clone(), auctioneer.batch.get(), millis(auctioneer.read_block_ms));
    let schedule = Arc::new(Schedule::default());
    for partition in connections.partitions.all() {
        let watch = Watch::new(partition, Arc::clone(&schedule));
        let (stores, feeds, stop) = (connections.stores.clone(), feeds.clone(), stop.clone());
        tasks.spawn(format!("auctioneer of partition {partition}"), async move {
            follow(&stores, &feeds, "auctioneer", partition, watch, stop).await
        });
    }
    let queue =
        RedisQueue::start(connections.redis.clone(), connections.partitions, connections.redis_pool.clone());
    let stop = stop.clone();
    tasks.spawn("closing", async move {
        close::run(&queue, &schedule, stop).await;
        Ok::<(), Infallible>(())
    });
}
