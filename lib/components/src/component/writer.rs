//! The writer: runs a partition writer for each partition of this process.

use super::StartContext;
use super::history_mismatch::advise_on_writer;
use super::leased::{self, LeasedTask};
use crate::settings::{Concurrency, millis};
use auction_app::writer::close_clock::CloseClock;
use auction_app::writer::decider::DeciderConfig;
use auction_app::writer::dispatch::DecideFn;
use auction_app::writer::partition_writer::{self, PartitionWriter};
use auction_app::writer::snapshots::{SnapshotPolicy, SnapshotSender, run_snapshot_writer, snapshots};
use auction_app::writer::unknown_kinds::UnknownKinds;
use auction_postgres::PostgresStoreConnector;
use auction_postgres::lock::PostgresLockConnector;
use auction_redis::command_stream::{CommandStreamOptions, GROUP, RedisCommandStreams};
use auction_wire::PartitionId;
use std::error::Error;
use std::time::Duration;
use stream_worker::leases::WorkEnd;
use worker_runtime::Supervisor;
use worker_runtime::health::Health;
use worker_runtime::shutdown::ShutdownSignal;

/// Dependencies shared by all partition writers of this process.
#[derive(Clone)]
struct PartitionWriters {
    stores: PostgresStoreConnector,
    streams: RedisCommandStreams,
    /// Set for pessimistic concurrency.
    locks: Option<PostgresLockConnector>,
    config: DeciderConfig,
    snapshots: SnapshotSender,
    unknown_kinds: UnknownKinds,
    health: Health,
    /// Longest time that a read waits for commands.
    read_block: Duration,
}

impl PartitionWriters {
    fn of(&self, partition: PartitionId, stop: ShutdownSignal) -> PartitionWriter {
        let supervisor = Supervisor::new(self.health.register(format!("writer {partition}")), stop)
            .with_interval(self.read_block);
        let (snapshots, unknown_kinds) = (self.snapshots.clone(), self.unknown_kinds.clone());
        PartitionWriter { partition, config: self.config, snapshots, unknown_kinds, supervisor }
    }

    async fn run(
        self,
        partition: PartitionId,
        stop: ShutdownSignal,
    ) -> Result<(), Box<dyn Error + Send + Sync>> {
        let writer = self.of(partition, stop);
        let run = partition_writer::run(&self.stores, &self.streams, self.locks.as_ref(), writer);
        run.await.map_err(advise_on_writer)
    }

    /// Runs until another writer must decide a command. Without the lease, a newer writer takes the partition.
    async fn run_leased(
        self,
        partition: PartitionId,
        stop: ShutdownSignal,
    ) -> Result<WorkEnd, Box<dyn Error + Send + Sync>> {
        let writer = self.of(partition, stop);
        let run =
            partition_writer::run_until_hand_over(&self.stores, &self.streams, self.locks.as_ref(), &writer);
        let Some(command) = run.await.map_err(advise_on_writer)? else { return Ok(WorkEnd::Done) };
        Ok(WorkEnd::HandOver(Box::pin(async move {
            self.unknown_kinds.wait_until_decided(&self.streams, partition, &command).await;
        })))
    }
}

pub(super) fn start(context: &mut StartContext<'_>) {
    let StartContext { settings, connections, stop, .. } = *context;
    let writer = &settings.writer;
    let by_turns = writer.concurrency == Concurrency::Pessimistic;
    let options = CommandStreamOptions {
        max_batch: writer.max_batch.get(),
        block: millis(writer.read_block_ms),
        linger: millis(writer.linger_ms),
        pessimistic: by_turns,
        max_clock_skew: Duration::from_secs(writer.max_clock_skew_seconds),
    };
    let (snapshots, receiver) = snapshots();
    let writers = PartitionWriters {
        stores: connections.stores.clone(),
        streams: RedisCommandStreams::new(connections.redis.clone(), connections.partitions, options),
        locks: by_turns.then(|| PostgresLockConnector::new(&connections.stores)),
        config: DeciderConfig {
            aggregates: writer.aggregate_cache_size,
            active_users: writer.user_cache_size,
            decide: DecideFn::default(),
            snapshots: SnapshotPolicy { events: writer.snapshot_events, bytes: writer.snapshot_bytes },
            close_clock: CloseClock::of_machine(millis(writer.max_close_skew_ms)),
        },
        snapshots,
        unknown_kinds: UnknownKinds::new(Duration::from_secs(writer.unknown_kind_wait_seconds.into())),
        health: context.tasks.health().clone(),
        read_block: millis(writer.read_block_ms),
    };
    let (stores, supervisor) = (connections.stores.clone(), context.supervisor("writer snapshots"));
    context.tasks.run("snapshots", async move { run_snapshot_writer(&stores, receiver, supervisor).await });
    if writer.concurrency == Concurrency::Leased {
        let run = Box::new(move |partition, stop| -> LeasedTask {
            Box::pin(writers.clone().run_leased(partition, stop))
        });
        return leased::start(context, GROUP, writer.lease_seconds, run);
    }
    for partition in connections.partitions.all() {
        let run = writers.clone().run(partition, stop.clone());
        context.tasks.spawn(format!("writer of partition {partition}"), run);
    }
}
