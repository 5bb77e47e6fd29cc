//! Partitioned work, shared by leases among all processes of a component.

use super::StartContext;
use super::history_mismatch::advise_on_consumer;
use crate::tasks::{BoxedTask, ComponentError};
use auction_app::consume::{EventHandler, SubscriptionConfig, run_consumer};
use auction_redis::event_stream::RedisEventStreams;
use auction_redis::keys;
use auction_wire::PartitionId;
use std::num::{NonZeroU16, NonZeroUsize};
use std::time::Duration;
use stream_worker::StreamError;
use stream_worker::consumer::fresh_name;
use stream_worker::leases::{LeaseOptions, run};
use worker_runtime::Supervisor;
use worker_runtime::shutdown::ShutdownSignal;

/// Postgres connections for parked events.
const PARKING_CONNECTIONS: usize = 2;

/// Runs `work` for each partition whose lease this process holds. `work` is dropped when the lease is lost.
pub(super) fn start(
    context: &mut StartContext<'_>,
    group: &'static str,
    lease_seconds: NonZeroU16,
    mut work: Box<dyn FnMut(PartitionId, ShutdownSignal) -> BoxedTask + Send>,
) {
    let partitions: Vec<PartitionId> = context.connections.partitions.all().collect();
    let options = LeaseOptions {
        members_key: keys::members(group),
        lease_keys: partitions.iter().map(|partition| keys::lease(*partition, group)).collect(),
        name: fresh_name(),
        lease_ttl: Duration::from_secs(lease_seconds.get().into()),
    };
    let (client, stop) = (context.connections.redis.client().clone(), context.stop.clone());
    let task = format!("{group} leases");
    let health = context.tasks.health().register(&task);
    context.tasks.spawn(task, async move {
        let renewed = |result: Result<(), &StreamError>| match result {
            Ok(()) => health.set_up(),
            Err(error) => health.set_waiting(error),
        };
        run(&client, options, stop, renewed, |index, stop| work(partitions[index], stop)).await
    });
}

/// Configuration of an event consumer. The settings of its component have the meaning of each field.
pub(super) struct ConsumerSpec {
    /// Name of the component, its consumer group and its leases.
    pub(super) name: &'static str,
    pub(super) lease_seconds: NonZeroU16,
    pub(super) max_batch: NonZeroUsize,
    pub(super) read_block: Duration,
    pub(super) linger: Duration,
}

/// Runs an event consumer for each partition whose lease this process holds. Each has an event handler of its
/// own, which is dropped when the partition moves to another process.
pub(super) fn run_consumers<H: EventHandler + 'static>(
    context: &mut StartContext<'_>,
    spec: &ConsumerSpec,
    mut new_handler: impl FnMut(PartitionId) -> H + Send + 'static,
) -> Result<(), ComponentError> {
    let parking = context.queries(spec.name, PARKING_CONNECTIONS)?;
    let connections = context.connections;
    let streams = RedisEventStreams::new(connections.redis.clone(), spec.max_batch.get(), spec.read_block)
        .with_linger(spec.linger);
    let (stores, name, health) = (connections.stores.clone(), spec.name, context.tasks.health().clone());
    let work = Box::new(move |partition, stop| -> BoxedTask {
        let (stores, streams, parking) = (stores.clone(), streams.clone(), parking.clone());
        let supervisor = Supervisor::new(health.register(format!("{name} {partition}")), stop);
        let subscription = SubscriptionConfig { component: name, partition, supervisor };
        let handler = new_handler(partition);
        Box::pin(async move {
            let run = run_consumer(&stores, &streams, &parking, subscription, handler);
            run.await.map_err(advise_on_consumer)
        })
    });
    start(context, name, spec.lease_seconds, work);
    Ok(())
}
