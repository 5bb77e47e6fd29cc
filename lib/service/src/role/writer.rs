//! The writer: one lane per partition.

use crate::connections::Connections;
use crate::settings::{Settings, millis};
use crate::tasks::Tasks;
use auction_app::stop::Stop;
use auction_app::write::decide::DeskLimits;
use auction_app::write::lane;
use auction_redis::lane::RedisLanes;

pub(super) fn start(settings: &Settings, connections: &Connections, tasks: &mut Tasks, stop: &Stop) {
    let writer = &settings.writer;
    let limits = DeskLimits { aggregates: writer.cached_aggregates, bidders: writer.cached_bidders };
    let lanes = RedisLanes::new(
        connections.redis.clone(),
        connections.partitions,
        writer.batch.get(),
        millis(writer.read_block_ms),
    );
    for partition in connections.partitions.all() {
        let (stores, lanes, stop) = (connections.stores.clone(), lanes.clone(), stop.clone());
        tasks.spawn(format!("writer of partition {partition}"), async move {
            lane::run(&stores, &lanes, partition, limits, stop).await
        });
    }
}
