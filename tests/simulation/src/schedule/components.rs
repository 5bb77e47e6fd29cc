//! Processes of a schedule: the real code of writers and projectors.

use super::Schedule;
use crate::process::Process;
use crate::streams::partitions;
use crate::workload::decide_with_faults;
use auction_app::consume::{ConsumeError, SubscriptionConfig, run_consumer};
use auction_app::projector;
use auction_app::writer::close_clock::CloseClock;
use auction_app::writer::decider::DeciderConfig;
use auction_app::writer::dispatch::DecideFn;
use auction_app::writer::partition_writer::{self, PartitionWriter, WriterError};
use auction_app::writer::snapshots::{SnapshotPolicy, snapshots};
use auction_app::writer::unknown_kinds::UnknownKinds;
use auction_redis::command_stream::{CommandStreamOptions, RedisCommandStreams};
use auction_redis::event_stream::RedisEventStreams;
use auction_redis::views::RedisReadModelConnector;
use auction_testkit::fixtures::P;
use auction_testkit::memory::MemoryParkedEvents;
use std::num::{NonZeroU64, NonZeroUsize};
use std::time::Duration;
use tokio::time::timeout;
use worker_runtime::Supervisor;
use worker_runtime::shutdown::{ShutdownTrigger, shutdown_pair};

/// Cache size: small, so that state is often loaded from the store.
const TWO: NonZeroUsize = NonZeroUsize::new(2).unwrap();

/// Disables snapshots: they are written on other threads, which the simulation does not control.
const NEVER: SnapshotPolicy = SnapshotPolicy { events: NonZeroU64::MAX, bytes: NonZeroU64::MAX };

/// Decider configuration of all writers.
pub(crate) const LIMITS: DeciderConfig = DeciderConfig {
    aggregates: TWO,
    active_users: TWO,
    decide: DecideFn(decide_with_faults),
    snapshots: NEVER,
    close_clock: CloseClock::UNCHECKED,
};

/// Process that runs one component.
pub(crate) struct SimulatedComponent<E> {
    pub(crate) process: Process<Result<(), E>>,
    /// Name of the process in Redis.
    pub(crate) name: String,
    stopper: ShutdownTrigger,
}

pub(crate) type Writer = SimulatedComponent<WriterError>;
pub(crate) type Projector = SimulatedComponent<ConsumeError>;

impl Schedule {
    pub(crate) fn start_writer(&self) -> Writer {
        let options = CommandStreamOptions {
            max_batch: self.max_batch as usize,
            block: Duration::from_millis(20 + self.world.below(100)),
            linger: Duration::from_millis(self.world.below(5)),
            pessimistic: self.locks.is_some(),
            max_clock_skew: Duration::MAX,
        };
        let connector = RedisCommandStreams::new(self.network.server(), partitions(), options);
        let name = connector.process().to_owned();
        let (stores, locks) = (self.store.clone(), self.locks.clone());
        let (stopper, stop) = shutdown_pair();
        let process = Process::start(async move {
            let (snapshots, _waiting) = snapshots();
            let supervisor = Supervisor::without_health("writer", stop);
            let unknown_kinds = UnknownKinds::new(Duration::ZERO);
            let writer =
                PartitionWriter { partition: P, config: LIMITS, snapshots, unknown_kinds, supervisor };
            partition_writer::run(&stores, &connector, locks.as_ref(), writer).await
        });
        SimulatedComponent { process, name, stopper }
    }

    pub(crate) fn start_projector(&self) -> Projector {
        let (batch, block) =
            (1 + self.world.below(6) as usize, Duration::from_millis(20 + self.world.below(100)));
        let event_streams = RedisEventStreams::new(self.network.server(), batch, block);
        let views = RedisReadModelConnector::new(self.network.server());
        let stores = self.store.clone();
        let (stopper, stop) = shutdown_pair();
        let process = Process::start(async move {
            let supervisor = Supervisor::without_health("projector", stop);
            let subscription = SubscriptionConfig { component: "projector", partition: P, supervisor };
            let projector = projector::Projector::new(views, P, TWO);
            run_consumer(&stores, &event_streams, &MemoryParkedEvents::default(), subscription, projector)
                .await
        });
        SimulatedComponent { process, name: "projector".to_owned(), stopper }
    }

    /// Replaces processes that aborted. A process that returned instead is a violation.
    pub(crate) async fn replace_ended(&mut self) -> Result<(), String> {
        for at in 0..self.writers.len() {
            if self.writers[at].process.has_ended() {
                let writer = self.start_writer();
                let ended = std::mem::replace(&mut self.writers[at], writer);
                match ended.process.result().await {
                    None => self.killed += 1,
                    Some(result) => return Err(format!("a writer returned: {result:?}")),
                }
                self.world.trace(format_args!("a writer aborted"));
            }
        }
        for at in 0..self.projectors.len() {
            if self.projectors[at].process.has_ended() {
                let projector = self.start_projector();
                let ended = std::mem::replace(&mut self.projectors[at], projector);
                let result = ended.process.result().await;
                return Err(format!("a projector ended: {result:?}"));
            }
        }
        Ok(())
    }

    /// Stops all processes and checks that they end within a minute.
    pub(crate) async fn stop(&mut self) -> Result<(), String> {
        for writer in self.writers.drain(..) {
            writer.stopper.stop();
            let result = timeout(Duration::from_secs(60), writer.process.result()).await;
            // A writer that was paused may still hold a command that aborts it.
            let stopped = matches!(result, Ok(None | Some(Ok(()))));
            stopped.then_some(()).ok_or_else(|| format!("a writer does not stop: {result:?}"))?;
        }
        for projector in self.projectors.drain(..) {
            projector.stopper.stop();
            let result = timeout(Duration::from_secs(60), projector.process.result()).await;
            let stopped = matches!(result, Ok(Some(Ok(()))));
            stopped.then_some(()).ok_or_else(|| format!("a projector does not stop: {result:?}"))?;
        }
        Ok(())
    }
}
