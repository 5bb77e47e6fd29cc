//! The promoter: draws and doubles bids of promoted auctions, and reveals the seeds of ended auctions.

use super::StartContext;
use super::commitments::commitments;
use super::leased::{ConsumerSpec, run_consumers};
use crate::settings::millis;
use crate::tasks::ComponentError;
use auction_app::promoter::{self, DrawHandler, DrawSchedule};
use std::sync::Arc;
use std::time::Duration;

pub(super) async fn start(context: &mut StartContext<'_>) -> Result<(), ComponentError> {
    let commitments = commitments(context, "promoter").await?;
    let promoter = &context.settings.promoter;
    let spec = ConsumerSpec {
        name: "promoter",
        lease_seconds: promoter.lease_seconds,
        max_batch: promoter.max_batch,
        read_block: millis(promoter.read_block_ms),
        linger: millis(promoter.linger_ms),
        batch_interval: Duration::ZERO,
    };
    let schedule = Arc::new(DrawSchedule::default());
    let shared = Arc::clone(&schedule);
    run_consumers(context, &spec, move |partition| DrawHandler::new(partition, Arc::clone(&shared)))?;
    let queue = context.command_queue("promoter");
    let supervisor = context.supervisor("promoter draws");
    context.tasks.run("draws", async move {
        promoter::run(&queue, &schedule, &commitments, supervisor).await;
    });
    Ok(())
}
