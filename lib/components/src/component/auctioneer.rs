//! The auctioneer: closes auctions at their end time, and removes the bids and auctions of deleted users.

use super::failed;
use super::leased::{ConsumerSpec, run_consumers};
use crate::connections::Connections;
use crate::settings::{Settings, millis};
use crate::tasks::{ComponentError, Tasks};
use auction_app::auctioneer::closing::{self, ClosingHandler, ClosingSchedule};
use auction_postgres::queries::PostgresQueries;
use auction_redis::command_queue::RedisCommandQueue;
use auction_redis::revocations::RedisRevocations;
use std::convert::Infallible;
use std::sync::Arc;
use tokio::sync::Notify;
use worker_runtime::shutdown::ShutdownSignal;

pub(super) fn start(
    settings: &Settings,
    connections: &Connections,
    tasks: &mut Tasks,
    stop: &ShutdownSignal,
) -> Result<(), ComponentError> {
    let auctioneer = &settings.auctioneer;
    let spec = ConsumerSpec {
        name: "auctioneer",
        lease_seconds: auctioneer.lease_seconds,
        max_batch: auctioneer.max_batch,
        read_block: millis(auctioneer.read_block_ms),
        linger: millis(auctioneer.linger_ms),
    };
    let schedule = Arc::new(ClosingSchedule::default());
    let user_deleted = Arc::new(Notify::new());
    let deletions =
        PostgresQueries::new(&connections.stores, 1).map_err(|error| failed("auctioneer")(error.into()))?;
    let shared = (Arc::clone(&schedule), Arc::clone(&user_deleted));
    run_consumers(&spec, connections, tasks, stop, move |partition| {
        ClosingHandler::new(partition, Arc::clone(&shared.0), Arc::clone(&shared.1))
    })?;
    let queue = RedisCommandQueue::start(
        connections.redis.clone(),
        connections.partitions,
        connections.redis_pool.clone(),
    );
    let revocations = RedisRevocations::new(connections.redis_pool.clone());
    let (stop, health) = (stop.clone(), tasks.part("auctioneer closing"));
    tasks.spawn("closing", async move {
        closing::run(&queue, &deletions, &revocations, &schedule, &user_deleted, &health, stop).await;
        Ok::<(), Infallible>(())
    });
    Ok(())
}
