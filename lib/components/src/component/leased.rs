//! Partitioned work, shared by leases among all processes of a component.

use super::StartContext;
use super::history_mismatch::advise_on_consumer;
use crate::tasks::ComponentError;
use auction_app::consume::{EventHandler, SubscriptionConfig, run_consumer};
use auction_redis::event_stream::RedisEventStreams;
use auction_redis::keys;
use auction_wire::PartitionId;
use std::collections::BTreeMap;
use std::error::Error;
use std::num::{NonZeroU16, NonZeroUsize};
use std::pin::Pin;
use std::time::{Duration, Instant};
use stream_worker::StreamError;
use stream_worker::consumer::fresh_name;
use stream_worker::leases::{LeaseOptions, WorkEnd, run};
use tracing::Instrument;
use worker_runtime::Supervisor;
use worker_runtime::health::HealthHandle;
use worker_runtime::shutdown::ShutdownSignal;

/// Work on one partition.
pub(super) type LeasedTask =
    Pin<Box<dyn Future<Output = Result<WorkEnd, Box<dyn Error + Send + Sync>>> + Send>>;

/// Starts the work on a partition, which ends at the shutdown signal.
pub(super) type LeasedWork = Box<dyn FnMut(PartitionId, ShutdownSignal) -> LeasedTask + Send>;

/// Longest time until a free partition has an owner.
const HAND_OVER: Duration = Duration::from_secs(2);

/// Postgres connections for parked events.
const PARKING_CONNECTIONS: usize = 2;

/// Runs `work` for each partition whose lease this process holds. `work` is dropped when the lease is lost.
pub(super) fn start(
    context: &mut StartContext<'_>,
    group: &'static str,
    lease_seconds: NonZeroU16,
    mut work: LeasedWork,
) {
    let partitions: Vec<PartitionId> = context.connections.partitions.all().collect();
    let options = LeaseOptions {
        members_key: keys::members(group),
        lease_keys: partitions.iter().map(|partition| keys::lease(*partition, group)).collect(),
        name: fresh_name(),
        lease_ttl: Duration::from_secs(lease_seconds.get().into()),
    };
    let (redis, stop) = (context.connections.redis.clone(), context.stop.clone());
    let task = format!("{group} leases");
    let health = context.tasks.health().register(&task);
    let mut owners = OwnerCheck::new(context.tasks.health().register(format!("{group} owners")), group);
    // A partition that moves has no owner for a short time; that of a killed process for the time of a lease.
    let allowed = options.lease_ttl + HAND_OVER;
    context.tasks.spawn(task, async move {
        let renewed = |result: Result<&[usize], &StreamError>| match result {
            Ok(unowned) => {
                health.set_up();
                owners.update(unowned, allowed);
            }
            Err(error) => {
                health.set_waiting(error);
                owners.unknown(error);
            }
        };
        run(&redis, options, stop, renewed, |index, stop| work(partitions[index], stop))
            .instrument(tracing::info_span!("leases", component = group))
            .await
    });
}

/// Reports partitions that stay without an owner among all processes of a component.
struct OwnerCheck {
    health: HealthHandle,
    component: &'static str,
    /// Time since when each partition has no owner.
    unowned: BTreeMap<usize, Instant>,
    logged: bool,
}

impl OwnerCheck {
    fn new(health: HealthHandle, component: &'static str) -> OwnerCheck {
        OwnerCheck { health, component, unowned: BTreeMap::new(), logged: false }
    }

    fn update(&mut self, unowned: &[usize], allowed: Duration) {
        self.unowned.retain(|partition, _| unowned.contains(partition));
        for partition in unowned {
            self.unowned.entry(*partition).or_insert_with(Instant::now);
        }
        let too_long = self.unowned.iter().filter(|(_, since)| since.elapsed() > allowed);
        let names: Vec<String> = too_long.map(|(partition, _)| format!("{partition:02}")).collect();
        if names.is_empty() {
            self.health.set_up();
            self.logged = false;
            return;
        }
        let partitions = names.join(", ");
        self.health.set_waiting(format_args!("partitions without an owner: {partitions}"));
        if !std::mem::replace(&mut self.logged, true) {
            tracing::warn!(component = self.component, partitions, "partitions without an owner");
        }
    }

    /// Without a round, the owners are unknown.
    fn unknown(&mut self, error: &StreamError) {
        self.health.set_waiting(error);
    }
}

/// Configuration of an event consumer. The settings of its component have the meaning of each field.
pub(super) struct ConsumerSpec {
    /// Name of the component, its consumer group and its leases.
    pub(super) name: &'static str,
    pub(super) lease_seconds: NonZeroU16,
    pub(super) max_batch: NonZeroUsize,
    pub(super) read_block: Duration,
    pub(super) linger: Duration,
    /// Time between two batches, if the component waits for it.
    pub(super) batch_interval: Duration,
}

/// Runs an event consumer for each partition whose lease this process holds. Each has an event handler of its
/// own, which is dropped when the partition moves to another process.
pub(super) fn run_consumers<H: EventHandler + 'static>(
    context: &mut StartContext<'_>,
    spec: &ConsumerSpec,
    new_handler: impl FnMut(PartitionId) -> H + Send + 'static,
) -> Result<(), ComponentError> {
    let work = consumer_work(context, spec, new_handler)?;
    start(context, spec.name, spec.lease_seconds, work);
    Ok(())
}

/// Returns the event consumer of a partition, for [`start`].
pub(super) fn consumer_work<H: EventHandler + 'static>(
    context: &mut StartContext<'_>,
    spec: &ConsumerSpec,
    mut new_handler: impl FnMut(PartitionId) -> H + Send + 'static,
) -> Result<LeasedWork, ComponentError> {
    let parking = context.queries(spec.name, PARKING_CONNECTIONS)?;
    let connections = context.connections;
    let streams = RedisEventStreams::new(connections.redis.clone(), spec.max_batch.get(), spec.read_block)
        .with_linger(spec.linger);
    let (stores, name, health) = (connections.stores.clone(), spec.name, context.tasks.health().clone());
    let idle = spec.read_block + spec.batch_interval;
    Ok(Box::new(move |partition, stop| -> LeasedTask {
        let (stores, streams, parking) = (stores.clone(), streams.clone(), parking.clone());
        let supervisor =
            Supervisor::new(health.register(format!("{name} {partition}")), stop).with_interval(idle);
        let subscription = SubscriptionConfig { component: name, partition, supervisor };
        let handler = new_handler(partition);
        Box::pin(async move {
            let run = run_consumer(&stores, &streams, &parking, subscription, handler);
            run.await.map(WorkEnd::from).map_err(advise_on_consumer)
        })
    }))
}
