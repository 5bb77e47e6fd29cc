//! The processes of a schedule: the real code of a writer and of a projector.

use super::Schedule;
use crate::process::Process;
use crate::workload::cursed;
use auction_app::consume::{ConsumeError, SubscriptionConfig, run_consumer};
use auction_app::projector;
use auction_app::writer::decider::DeciderConfig;
use auction_app::writer::dispatch::DecideFn;
use auction_app::writer::partition_writer::{self, PartitionWriter, WriterError};
use auction_app::writer::snapshots::{SnapshotPolicy, snapshots};
use auction_redis::command_stream::{CommandStreamOptions, RedisCommandStreams};
use auction_redis::event_stream::RedisEventStreams;
use auction_redis::views::RedisViewStores;
use auction_testkit::fixtures::P;
use auction_testkit::memory::MemoryParkedEvents;
use auction_wire::PartitionCount;
use std::num::{NonZeroU64, NonZeroUsize};
use std::time::Duration;
use tokio::time::timeout;
use worker_runtime::health::Health;
use worker_runtime::shutdown::{ShutdownTrigger, shutdown_pair};

/// Small, so that what is needed is not in memory.
const TWO: NonZeroUsize = NonZeroUsize::new(2).unwrap();

/// Snapshots are made beside lanes, on threads: not a matter of this simulation.
const NEVER: SnapshotPolicy = SnapshotPolicy { events: NonZeroU64::MAX, bytes: NonZeroU64::MAX };

/// What a process keeps in memory, and decides by.
pub(crate) const LIMITS: DeciderConfig =
    DeciderConfig { aggregates: TWO, bidders: TWO, rules: DecideFn(cursed), snapshots: NEVER };

/// A process that does one thing.
pub(crate) struct SimulatedComponent<E> {
    pub(crate) process: Process<Result<(), E>>,
    /// As it calls itself in Redis.
    pub(crate) name: String,
    stopper: ShutdownTrigger,
}

pub(crate) type Writer = SimulatedComponent<WriterError>;
pub(crate) type Projector = SimulatedComponent<ConsumeError>;

/// Of four, though there is one here.
#[allow(clippy::expect_used, reason = "four is a number of partitions")]
pub(crate) fn partitions() -> PartitionCount {
    PartitionCount::new(4).expect("a number of partitions")
}

impl Schedule {
    /// Starts a writer.
    pub(crate) fn writer(&self) -> Writer {
        let options = CommandStreamOptions {
            batch: self.batch as usize,
            block: Duration::from_millis(20 + self.world.below(100)),
            gather: Duration::from_millis(self.world.below(5)),
            by_turns: self.locks.is_some(),
            clock_tolerance: Duration::MAX,
        };
        let lanes = RedisCommandStreams::new(self.network.server(), partitions(), options);
        let name = lanes.process().to_owned();
        let (stores, locks) = (self.store.clone(), self.locks.clone());
        let (stopper, stop) = shutdown_pair();
        let process = Process::start(async move {
            let (snapshots, _waiting) = snapshots();
            let health = Health::default().register("lane");
            let lane = PartitionWriter { partition: P, limits: LIMITS, snapshots, health, stop };
            partition_writer::run(&stores, &lanes, locks.as_ref(), lane).await
        });
        SimulatedComponent { process, name, stopper }
    }

    /// Starts a projector.
    pub(crate) fn projector(&self) -> Projector {
        let (batch, block) =
            (1 + self.world.below(6) as usize, Duration::from_millis(20 + self.world.below(100)));
        let feeds = RedisEventStreams::new(self.network.server(), batch, block);
        let views = RedisViewStores::new(self.network.server());
        let stores = self.store.clone();
        let (stopper, stop) = shutdown_pair();
        let process = Process::start(async move {
            let health = Health::default().register("projector");
            let subscription = SubscriptionConfig { component: "projector", partition: P, health, stop };
            let projector = projector::Projector::new(views, P, TWO);
            run_consumer(&stores, &feeds, &MemoryParkedEvents::default(), subscription, projector).await
        });
        SimulatedComponent { process, name: "projector".to_owned(), stopper }
    }

    /// Who died of what it did is replaced; who gave up breaks a promise.
    pub(crate) async fn replace_the_dead(&mut self) -> Result<(), String> {
        for at in 0..self.writers.len() {
            if self.writers[at].process.has_ended() {
                let writer = self.writer();
                let dead = std::mem::replace(&mut self.writers[at], writer);
                match dead.process.ended().await {
                    None => self.killed += 1,
                    Some(ended) => return Err(format!("a writer gave up: {ended:?}")),
                }
                self.world.note(format_args!("a writer died"));
            }
        }
        for at in 0..self.projectors.len() {
            if self.projectors[at].process.has_ended() {
                let projector = self.projector();
                let ended = std::mem::replace(&mut self.projectors[at], projector).process.ended().await;
                return Err(format!("a projector gave up: {ended:?}"));
            }
        }
        Ok(())
    }

    /// Everybody is told to stop, and does.
    pub(crate) async fn stop(&mut self) -> Result<(), String> {
        for writer in self.writers.drain(..) {
            writer.stopper.stop();
            let ended = timeout(Duration::from_secs(60), writer.process.ended()).await;
            // One that was paused may still have had a command in hand that ends it.
            let stopped = matches!(ended, Ok(None | Some(Ok(()))));
            stopped.then_some(()).ok_or_else(|| format!("a writer does not stop: {ended:?}"))?;
        }
        for projector in self.projectors.drain(..) {
            projector.stopper.stop();
            let ended = timeout(Duration::from_secs(60), projector.process.ended()).await;
            let stopped = matches!(ended, Ok(Some(Ok(()))));
            stopped.then_some(()).ok_or_else(|| format!("a projector does not stop: {ended:?}"))?;
        }
        Ok(())
    }
}
