//! The auctioneer: follows its share of the partitions for the ends of auctions, and closes those that are
//! due.

use super::leased::{Service, followers};
use crate::connections::Connections;
use crate::settings::{Settings, millis};
use crate::tasks::{RoleError, Tasks};
use auction_app::close::{self, Schedule, Watch};
use auction_app::stop::Stop;
use auction_redis::queue::RedisQueue;
use std::convert::Infallible;
use std::sync::Arc;

pub(super) fn start(
    settings: &Settings,
    connections: &Connections,
    tasks: &mut Tasks,
    stop: &Stop,
) -> Result<(), RoleError> {
    let auctioneer = &settings.auctioneer;
    let service = Service {
        name: "auctioneer",
        lease_seconds: auctioneer.lease_seconds,
        batch: auctioneer.batch,
        read_block: millis(auctioneer.read_block_ms),
    };
    let schedule = Arc::new(Schedule::default());
    let watched = Arc::clone(&schedule);
    followers(&service, connections, tasks, stop, move |partition| {
        Watch::new(partition, Arc::clone(&watched))
    })?;
    let queue =
        RedisQueue::start(connections.redis.clone(), connections.partitions, connections.redis_pool.clone());
    let (stop, health) = (stop.clone(), tasks.part("auctioneer closing"));
    tasks.spawn("closing", async move {
        close::run(&queue, &schedule, &health, stop).await;
        Ok::<(), Infallible>(())
    });
    Ok(())
}
