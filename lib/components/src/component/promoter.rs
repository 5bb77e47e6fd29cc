//! The promoter: draws and doubles bids of promoted auctions, and reveals the seeds of ended auctions.

use super::commitments::commitments;
use super::leased::{ConsumerSpec, run_consumers};
use crate::connections::Connections;
use crate::settings::{Settings, millis};
use crate::tasks::{ComponentError, Tasks};
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
) -> Result<(), ComponentError> {
    let commitments = commitments(settings, connections, tasks, stop).await?;
    let promoter = &settings.promoter;
    let spec = ConsumerSpec {
        name: "promoter",
        lease_seconds: promoter.lease_seconds,
        max_batch: promoter.max_batch,
        read_block: millis(promoter.read_block_ms),
        linger: millis(promoter.linger_ms),
    };
    let schedule = Arc::new(DrawSchedule::default());
    let shared = Arc::clone(&schedule);
    run_consumers(&spec, connections, tasks, stop, move |partition| {
        DrawHandler::new(partition, Arc::clone(&shared))
    })?;
    let queue = RedisCommandQueue::start(
        connections.redis.clone(),
        connections.partitions,
        connections.redis_pool.clone(),
    );
    let (stop, health) = (stop.clone(), tasks.part("promoter draws"));
    tasks.spawn("draws", async move {
        promoter::run(&queue, &schedule, &commitments, &health, stop).await;
        Ok::<(), Infallible>(())
    });
    Ok(())
}
