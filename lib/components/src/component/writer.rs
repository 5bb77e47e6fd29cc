//! The writer: one lane per partition, for those partitions that are this process's share.

use super::leased;
use crate::connections::Connections;
use crate::settings::{Concurrency, Settings, millis};
use crate::tasks::Tasks;
use auction_app::writer::decider::DeciderConfig;
use auction_app::writer::dispatch::DecideFn;
use auction_app::writer::partition_writer::{self, PartitionWriter, WriterError};
use auction_app::writer::snapshots::{SnapshotPolicy, SnapshotSender, run_snapshot_writer, snapshots};
use auction_postgres::PostgresStoreConnector;
use auction_postgres::lock::PostgresLockConnector;
use auction_redis::command_stream::{CommandStreamOptions, GROUP, RedisCommandStreams};
use auction_wire::PartitionId;
use std::convert::Infallible;
use std::time::Duration;
use worker_runtime::health::Health;
use worker_runtime::shutdown::ShutdownSignal;

/// What all lanes of this process have in common.
#[derive(Clone)]
struct Lanes {
    stores: PostgresStoreConnector,
    lanes: RedisCommandStreams,
    locks: Option<PostgresLockConnector>,
    limits: DeciderConfig,
    snapshots: SnapshotSender,
    health: Health,
}

impl Lanes {
    async fn run(self, partition: PartitionId, stop: ShutdownSignal) -> Result<(), WriterError> {
        let health = self.health.register(format!("writer {partition}"));
        let lane =
            PartitionWriter { partition, limits: self.limits, snapshots: self.snapshots, health, stop };
        partition_writer::run(&self.stores, &self.lanes, self.locks.as_ref(), lane).await
    }
}

pub(super) fn start(
    settings: &Settings,
    connections: &Connections,
    tasks: &mut Tasks,
    stop: &ShutdownSignal,
) {
    let writer = &settings.writer;
    let by_turns = writer.concurrency == Concurrency::Pessimistic;
    let options = CommandStreamOptions {
        batch: writer.batch.get(),
        block: millis(writer.read_block_ms),
        gather: millis(writer.gather_ms),
        by_turns,
        clock_tolerance: Duration::from_secs(writer.clock_tolerance_seconds),
    };
    let (snapshots, waiting) = snapshots();
    let lanes = Lanes {
        stores: connections.stores.clone(),
        lanes: RedisCommandStreams::new(connections.redis.clone(), connections.partitions, options),
        locks: by_turns.then(|| PostgresLockConnector::new(&connections.stores)),
        limits: DeciderConfig {
            aggregates: writer.cached_aggregates,
            bidders: writer.cached_bidders,
            rules: DecideFn::default(),
            snapshots: SnapshotPolicy { events: writer.snapshot_events, bytes: writer.snapshot_bytes },
        },
        snapshots,
        health: tasks.health().clone(),
    };
    let (stores, told) = (connections.stores.clone(), stop.clone());
    tasks.spawn("snapshots", async move {
        run_snapshot_writer(&stores, waiting, told).await;
        Ok::<(), Infallible>(())
    });
    if writer.concurrency == Concurrency::Leased {
        let lane = move |partition, stop| lanes.clone().run(partition, stop);
        return leased::start(GROUP, writer.lease_seconds, connections, tasks, stop, lane);
    }
    for partition in connections.partitions.all() {
        tasks.spawn(format!("writer of partition {partition}"), lanes.clone().run(partition, stop.clone()));
    }
}
