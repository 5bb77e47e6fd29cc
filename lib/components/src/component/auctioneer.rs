//! The auctioneer: follows its share of the partitions for the ends of auctions, closes those that are due,
//! and takes away what deleted users leave.

use super::failed;
use super::leased::{ConsumerSpec, run_consumers};
use crate::connections::Connections;
use crate::settings::{Settings, millis};
use crate::tasks::{RoleError, Tasks};
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
) -> Result<(), RoleError> {
    let auctioneer = &settings.auctioneer;
    let service = ConsumerSpec {
        name: "auctioneer",
        lease_seconds: auctioneer.lease_seconds,
        batch: auctioneer.batch,
        read_block: millis(auctioneer.read_block_ms),
        gather: millis(auctioneer.gather_ms),
    };
    let schedule = Arc::new(ClosingSchedule::default());
    let departed = Arc::new(Notify::new());
    let deletions =
        PostgresQueries::new(&connections.stores, 1).map_err(|error| failed("auctioneer")(error.into()))?;
    let watched = (Arc::clone(&schedule), Arc::clone(&departed));
    run_consumers(&service, connections, tasks, stop, move |partition| {
        ClosingHandler::new(partition, Arc::clone(&watched.0), Arc::clone(&watched.1))
    })?;
    let queue = RedisCommandQueue::start(
        connections.redis.clone(),
        connections.partitions,
        connections.redis_pool.clone(),
    );
    let revocations = RedisRevocations::new(connections.redis_pool.clone());
    let (stop, health) = (stop.clone(), tasks.part("auctioneer closing"));
    tasks.spawn("closing", async move {
        closing::run(&queue, &deletions, &revocations, &schedule, &departed, &health, stop).await;
        Ok::<(), Infallible>(())
    });
    Ok(())
}
