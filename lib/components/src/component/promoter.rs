//! The promoter: follows its share of the partitions for promoted auctions, holds the draws that are due
//! and reveals the seeds of auctions that are over.

use super::commitments::promises;
use super::leased::{ConsumerSpec, run_consumers};
use crate::connections::Connections;
use crate::settings::{Settings, millis};
use crate::tasks::{RoleError, Tasks};
use auction_app::promoter::{self, DrawHandler, DrawSchedule};
use auction_redis::command_queue::RedisCommandQueue;
use std::convert::Infallible;
use std::sync::Arc;
use worker_runtime::shutdown::ShutdownSignal;

pub(super) async fn start(
    settings: &Settings,
    connections: &Connections,
    tasks: &mut Tasks,
    stop: &ShutdownSignal,
) -> Result<(), RoleError> {
    let promises = promises(settings, connections, tasks, stop).await?;
    let promoter = &settings.promoter;
    let service = ConsumerSpec {
        name: "promoter",
        lease_seconds: promoter.lease_seconds,
        batch: promoter.batch,
        read_block: millis(promoter.read_block_ms),
        gather: millis(promoter.gather_ms),
    };
    let floor = Arc::new(DrawSchedule::default());
    let watched = Arc::clone(&floor);
    run_consumers(&service, connections, tasks, stop, move |partition| {
        DrawHandler::new(partition, Arc::clone(&watched))
    })?;
    let queue = RedisCommandQueue::start(
        connections.redis.clone(),
        connections.partitions,
        connections.redis_pool.clone(),
    );
    let (stop, health) = (stop.clone(), tasks.part("promoter draws"));
    tasks.spawn("draws", async move {
        promoter::run(&queue, &floor, &promises, &health, stop).await;
        Ok::<(), Infallible>(())
    });
    Ok(())
}
