//! Work on partitions, shared out by leases among all processes of a role.

use super::failed;
use crate::connections::Connections;
use crate::tasks::{RoleError, Tasks};
use auction_app::consume::{ConsumeError, EventHandler, SubscriptionConfig, run_consumer};
use auction_postgres::queries::PostgresQueries;
use auction_redis::event_stream::RedisEventStreams;
use auction_redis::keys;
use auction_wire::PartitionId;
use std::num::{NonZeroU16, NonZeroUsize};
use std::time::Duration;
use stream_worker::consumer::fresh_name;
use stream_worker::leases::{LeaseOptions, Renewal, run};
use worker_runtime::shutdown::ShutdownSignal;

/// Connections for looking after what is parked.
const PARKING_CONNECTIONS: usize = 2;

/// Runs `work` on this process's share of the partitions of a group.
pub(super) fn start<E, Run>(
    group: &'static str,
    lease_seconds: NonZeroU16,
    connections: &Connections,
    tasks: &mut Tasks,
    stop: &ShutdownSignal,
    mut work: impl FnMut(PartitionId, ShutdownSignal) -> Run + Send + 'static,
) where
    E: Into<Box<dyn std::error::Error + Send + Sync>> + Send + 'static,
    Run: Future<Output = Result<(), E>> + Send + 'static,
{
    let partitions: Vec<PartitionId> = connections.partitions.all().collect();
    let options = LeaseOptions {
        members: keys::members(group),
        leases: partitions.iter().map(|partition| keys::lease(*partition, group)).collect(),
        name: fresh_name(),
        lease: Duration::from_secs(lease_seconds.get().into()),
    };
    let (client, stop) = (connections.redis.client().clone(), stop.clone());
    let health = tasks.part(format!("{group} leases"));
    tasks.spawn(format!("partitions of the {group}"), async move {
        let renewal = |renewal: Renewal<'_>| match renewal {
            Renewal::Done => health.set_up(),
            Renewal::Failed { error, attempts } => health.set_waiting(error, attempts),
        };
        run(&client, options, stop, renewal, |lane, stop| work(partitions[lane], stop)).await
    });
}

/// How a service follows events.
pub(super) struct ConsumerSpec {
    /// Its name, which is that of its consumer group and of its leases.
    pub(super) name: &'static str,
    /// How long the partitions of a killed process stand still.
    pub(super) lease_seconds: NonZeroU16,
    /// Events in a batch.
    pub(super) batch: NonZeroUsize,
    /// How long a read waits.
    pub(super) read_block: Duration,
    /// How long events gather after a read.
    pub(super) gather: Duration,
}

/// Follows this process's share of the partitions, each with a follower of its own, which is dropped when
/// the partition goes to another process.
pub(super) fn run_consumers<F: EventHandler + 'static>(
    service: &ConsumerSpec,
    connections: &Connections,
    tasks: &mut Tasks,
    stop: &ShutdownSignal,
    mut follower: impl FnMut(PartitionId) -> F + Send + 'static,
) -> Result<(), RoleError> {
    let parking = PostgresQueries::new(&connections.stores, PARKING_CONNECTIONS)
        .map_err(|error| failed(service.name)(error.into()))?;
    let feeds = RedisEventStreams::new(connections.redis.clone(), service.batch.get(), service.read_block)
        .with_linger(service.gather);
    let (stores, name, health) = (connections.stores.clone(), service.name, tasks.health().clone());
    start::<ConsumeError, _>(
        name,
        service.lease_seconds,
        connections,
        tasks,
        stop,
        move |partition, stop| {
            let (stores, feeds, parking) = (stores.clone(), feeds.clone(), parking.clone());
            let health = health.register(format!("{name} {partition}"));
            let subscription = SubscriptionConfig { component: name, partition, health, stop };
            let follower = follower(partition);
            async move { run_consumer(&stores, &feeds, &parking, subscription, follower).await }
        },
    );
    Ok(())
}
