//! The projector: updates the read models.

use super::StartContext;
use super::leased::{ConsumerSpec, run_consumers};
use crate::settings::millis;
use crate::tasks::ComponentError;
use auction_app::projector::Projector;
use auction_redis::views::RedisReadModelConnector;
use std::time::Duration;

pub(super) fn start(context: &mut StartContext<'_>) -> Result<(), ComponentError> {
    let projector = &context.settings.projector;
    let spec = ConsumerSpec {
        name: "projector",
        lease_seconds: projector.lease_seconds,
        max_batch: projector.max_batch,
        read_block: millis(projector.read_block_ms),
        linger: millis(projector.linger_ms),
        batch_interval: Duration::ZERO,
    };
    let (views, cache_size) =
        (RedisReadModelConnector::new(context.connections.redis.clone()), projector.auction_cache_size);
    run_consumers(context, &spec, move |partition| Projector::new(views.clone(), partition, cache_size))
}
