//! The projector: follows its share of the partitions and keeps their views.

use super::leased::{ConsumerSpec, run_consumers};
use crate::connections::Connections;
use crate::settings::{Settings, millis};
use crate::tasks::{RoleError, Tasks};
use auction_app::projector::Projector;
use auction_redis::views::RedisViewStores;
use worker_runtime::shutdown::ShutdownSignal;

pub(super) fn start(
    settings: &Settings,
    connections: &Connections,
    tasks: &mut Tasks,
    stop: &ShutdownSignal,
) -> Result<(), RoleError> {
    let projector = &settings.projector;
    let service = ConsumerSpec {
        name: "projector",
        lease_seconds: projector.lease_seconds,
        batch: projector.batch,
        read_block: millis(projector.read_block_ms),
        gather: millis(projector.gather_ms),
    };
    let (views, cached) = (RedisViewStores::new(connections.redis.clone()), projector.cached_auctions);
    run_consumers(&service, connections, tasks, stop, move |partition| {
        Projector::new(views.clone(), partition, cached)
    })
}
