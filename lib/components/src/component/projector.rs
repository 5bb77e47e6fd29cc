//! The projector: updates the read models.

use super::leased::{ConsumerSpec, run_consumers};
use crate::connections::Connections;
use crate::settings::{Settings, millis};
use crate::tasks::{ComponentError, Tasks};
use auction_app::projector::Projector;
use auction_redis::views::RedisReadModelConnector;
use worker_runtime::shutdown::ShutdownSignal;

pub(super) fn start(
    settings: &Settings,
    connections: &Connections,
    tasks: &mut Tasks,
    stop: &ShutdownSignal,
) -> Result<(), ComponentError> {
    let projector = &settings.projector;
    let spec = ConsumerSpec {
        name: "projector",
        lease_seconds: projector.lease_seconds,
        max_batch: projector.max_batch,
        read_block: millis(projector.read_block_ms),
        linger: millis(projector.linger_ms),
    };
    let (views, cache_size) =
        (RedisReadModelConnector::new(connections.redis.clone()), projector.auction_cache_size);
    run_consumers(&spec, connections, tasks, stop, move |partition| {
        Projector::new(views.clone(), partition, cache_size)
    })
}
