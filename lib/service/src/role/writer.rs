//! The writer: one lane per partition.

use crate::connections::Connections;
use crate::settings::{Settings, millis};
use crate::tasks::Tasks;
use auction_app::health::Health;
use auction_app::stop::Stop;
use auction_app::write::decide::DeskLimits;
use auction_app::write::lane::{self, Lane};
use auction_app::write::rules::Rules;
use auction_postgres::lock::PostgresLocks;
use auction_redis::lane::{LaneOptions, RedisLanes};
use std::time::Duration;

pub(super) fn start(settings: &Settings, connections: &Connections, tasks: &mut Tasks, stop: &Stop) {
    let writer = &settings.writer;
    let limits = DeskLimits {
        aggregates: writer.cached_aggregates,
        bidders: writer.cached_bidders,
        rules: Rules::default(),
    };
    let options = LaneOptions {
        batch: writer.batch.get(),
        block: millis(writer.read_block_ms),
        by_turns: false,
        clock_tolerance: Duration::from_secs(writer.clock_tolerance_seconds),
    };
    let lanes = RedisLanes::new(connections.redis.clone(), connections.partitions, options);
    let health = Health::default();
    for partition in connections.partitions.all() {
        let (stores, lanes, stop) = (connections.stores.clone(), lanes.clone(), stop.clone());
        let health = health.part(format!("lane {partition}"));
        tasks.spawn(format!("writer of partition {partition}"), async move {
            lane::run(&stores, &lanes, None::<&PostgresLocks>, Lane { partition, limits, health, stop }).await
        });
    }
}
