//! Partitioned work, shared by leases among all processes of a component.

use super::failed;
use super::history_mismatch::advise_on_consumer;
use crate::connections::Connections;
use crate::tasks::{BoxedTask, ComponentError, Tasks};
use auction_app::consume::{EventHandler, SubscriptionConfig, run_consumer};
use auction_postgres::queries::PostgresQueries;
use auction_redis::event_stream::RedisEventStreams;
use auction_redis::keys;
use auction_wire::PartitionId;
use std::num::{NonZeroU16, NonZeroUsize};
use std::time::Duration;
use stream_worker::consumer::fresh_name;
use stream_worker::leases::{LeaseOptions, Renewal, run};
use worker_runtime::shutdown::ShutdownSignal;

/// Postgres connections for parked events.
const PARKING_CONNECTIONS: usize = 2;

/// Runs `work` for each partition whose lease this process holds. `work` is dropped when the lease is lost.
pub(super) fn start(
    group: &'static str,
    lease_seconds: NonZeroU16,
    connections: &Connections,
    tasks: &mut Tasks,
    stop: &ShutdownSignal,
    mut work: Box<dyn FnMut(PartitionId, ShutdownSignal) -> BoxedTask + Send>,
) {
    let partitions: Vec<PartitionId> = connections.partitions.all().collect();
    let options = LeaseOptions {
        members_key: keys::members(group),
        lease_keys: partitions.iter().map(|partition| keys::lease(*partition, group)).collect(),
        name: fresh_name(),
        lease_ttl: Duration::from_secs(lease_seconds.get().into()),
    };
    let (client, stop) = (connections.redis.client().clone(), stop.clone());
    let health = tasks.part(format!("{group} leases"));
    tasks.spawn(format!("{group} leases"), async move {
        let renewal = |renewal: Renewal<'_>| match renewal {
            Renewal::Renewed => health.set_up(),
            Renewal::Failed { error, attempts } => health.set_waiting(error, attempts),
        };
        run(&client, options, stop, renewal, |index, stop| work(partitions[index], stop)).await
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
    spec: &ConsumerSpec,
    connections: &Connections,
    tasks: &mut Tasks,
    stop: &ShutdownSignal,
    mut new_handler: impl FnMut(PartitionId) -> H + Send + 'static,
) -> Result<(), ComponentError> {
    let parking = PostgresQueries::new(&connections.stores, PARKING_CONNECTIONS)
        .map_err(|error| failed(spec.name)(error.into()))?;
    let streams = RedisEventStreams::new(connections.redis.clone(), spec.max_batch.get(), spec.read_block)
        .with_linger(spec.linger);
    let (stores, name, health) = (connections.stores.clone(), spec.name, tasks.health().clone());
    let work = Box::new(move |partition, stop| -> BoxedTask {
        let (stores, streams, parking) = (stores.clone(), streams.clone(), parking.clone());
        let health = health.register(format!("{name} {partition}"));
        let subscription = SubscriptionConfig { component: name, partition, health, stop };
        let handler = new_handler(partition);
        Box::pin(async move {
            let run = run_consumer(&stores, &streams, &parking, subscription, handler);
            run.await.map_err(advise_on_consumer)
        })
    });
    start(name, spec.lease_seconds, connections, tasks, stop, work);
    Ok(())
}
