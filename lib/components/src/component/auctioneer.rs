//! The auctioneer: closes auctions at their end time, and removes the bids and auctions of deleted users.

use super::StartContext;
use super::leased::{ConsumerSpec, run_consumers};
use crate::settings::millis;
use crate::tasks::ComponentError;
use auction_app::auctioneer::closing::{self, ClosingHandler, ClosingSchedule};
use auction_redis::revocations::RedisRevocations;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;

pub(super) fn start(context: &mut StartContext<'_>) -> Result<(), ComponentError> {
    let auctioneer = &context.settings.auctioneer;
    let spec = ConsumerSpec {
        name: "auctioneer",
        lease_seconds: auctioneer.lease_seconds,
        max_batch: auctioneer.max_batch,
        read_block: millis(auctioneer.read_block_ms),
        linger: millis(auctioneer.linger_ms),
        batch_interval: Duration::ZERO,
    };
    let schedule = Arc::new(ClosingSchedule::default());
    let user_deleted = Arc::new(Notify::new());
    let deletions = context.queries("auctioneer", 1)?;
    let shared = (Arc::clone(&schedule), Arc::clone(&user_deleted));
    run_consumers(context, &spec, move |partition| {
        ClosingHandler::new(partition, Arc::clone(&shared.0), Arc::clone(&shared.1))
    })?;
    let queue = context.command_queue("auctioneer");
    let revocations = RedisRevocations::new(context.connections.redis_pool.clone());
    let partitions = context.connections.partitions;
    let supervisor = context.supervisor("auctioneer closing");
    context.tasks.run("closing", async move {
        closing::run(&queue, &deletions, &revocations, &schedule, &user_deleted, partitions, supervisor)
            .await;
    });
    Ok(())
}
