//! One schedule: a partition with its writers and projectors, a workload, and faults, all derived from a
//! seed.

pub(crate) mod components;
mod fault_plan;

use crate::check;
use crate::faulty_port::FaultyPort;
use crate::locks::Locks;
use crate::network::Network;
use crate::redis::PersistedState;
use crate::workload::Workload;
use crate::world::{Trace, World};
use auction_app::ports::events::event_store::EventStore;
use auction_redis::keys;
use auction_testkit::fixtures::P;
use auction_testkit::memory::MemoryStore;
use auction_wire::{Channel, Command};
use components::{Projector, Writer};
use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;
use tokio::time::sleep;

/// Maximum time until everything is processed after the faults end, in simulated milliseconds.
const RECOVERY_TIME: u64 = 120_000;

/// Statistics of a schedule without a violation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Steps, after each of which another task could run.
    pub steps: u64,
    /// Hash of the trace. Without a trace, a constant.
    pub hash: u64,
    /// Submitted commands, including repeats.
    pub submitted: u64,
    /// Processes that were killed or aborted themselves.
    pub killed: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    pub seed: u64,
    /// Broken guarantee and how it was detected.
    pub reason: String,
}

impl std::fmt::Display for Violation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "seed {}: {}", self.seed, self.reason)
    }
}

/// Runs the schedule of a seed.
pub fn run(seed: u64, trace: Trace) -> Result<Report, Violation> {
    let violation = |reason| Violation { seed, reason };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    let runtime = runtime.map_err(|error| violation(error.to_string()))?;
    worker_runtime::entropy::seed(Some(seed));
    let run = AssertUnwindSafe(|| runtime.block_on(async { Schedule::new(seed, trace).await?.run().await }));
    let result = catch_unwind(run).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
        let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
        Err(format!("panicked: {}", text.unwrap_or_default()))
    });
    worker_runtime::entropy::seed(None);
    result.map_err(violation)
}

/// Channel and command by submission time: no two commands have the same millisecond. `None`: an entry that
/// is no command.
pub(crate) type SubmittedAt = BTreeMap<u64, (Channel, Option<Command>)>;

pub(crate) struct Schedule {
    pub(crate) world: World,
    pub(crate) network: Network,
    pub(crate) store: FaultyPort<MemoryStore>,
    pub(crate) workload: Workload,
    pub(crate) submitted: SubmittedAt,
    /// Partition locks, if writers take turns.
    locks: Option<Locks>,
    /// Whether Redis lost data. Lost commands are submitted again, possibly in another order.
    pub(crate) lossy: bool,
    /// Whether the event stream was trimmed.
    pub(crate) trimmed: bool,
    pub(crate) killed: u64,
    /// Writers that were killed or paused. Their successors may treat the command in work as the cause.
    pub(crate) stopped: BTreeSet<String>,
    /// Maximum number of commands per read.
    max_batch: u64,
    writers: Vec<Writer>,
    projectors: Vec<Projector>,
    /// Older state of Redis to fall back to.
    backup: Option<PersistedState>,
    deleted_other_users: usize,
    unsent_bars: Vec<Command>,
}

impl Schedule {
    async fn new(seed: u64, trace: Trace) -> Result<Schedule, String> {
        let world = World::new(seed, trace);
        let (network, workload) = (Network::new(&world), Workload::random(&world));
        let store = FaultyPort::new(MemoryStore::default(), &world);
        workload.rejected.iter().for_each(|command| store.inner().reject(*command));
        store
            .inner()
            .clone()
            .append(&workload.create_other_users())
            .await
            .map_err(|error| error.to_string())?;
        let locks = world.chance(150).then(|| Locks::new(&world));
        let (writers, projectors) = (1 + world.below(3), 1 + world.below(2));
        let max_batch = 1 + world.below(8);
        let mut schedule = Schedule {
            world,
            network,
            store,
            workload,
            submitted: SubmittedAt::new(),
            locks,
            lossy: false,
            trimmed: false,
            killed: 0,
            stopped: BTreeSet::new(),
            max_batch,
            writers: Vec::new(),
            projectors: Vec::new(),
            backup: None,
            deleted_other_users: 0,
            unsent_bars: Vec::new(),
        };
        schedule.writers = (0..writers).map(|_| schedule.start_writer()).collect();
        schedule.projectors = (0..projectors).map(|_| schedule.start_projector()).collect();
        Ok(schedule)
    }

    async fn run(mut self) -> Result<Report, String> {
        let failures = if self.world.chance(200) { 0 } else { self.world.below(40) };
        self.world.set_failure_rate(failures);
        let faults = self.world.below(150);
        for command in self.workload.commands.clone() {
            self.submit(command).await;
            sleep(Duration::from_millis(self.world.below(if self.world.chance(100) { 300 } else { 20 })))
                .await;
            if self.world.chance(faults) {
                self.inject_fault().await?;
            }
            if self.world.chance(40) {
                self.delete_other_user().await?;
            }
            self.replace_ended().await?;
        }
        self.send_bars().await;
        sleep(Duration::from_millis(self.world.below(3000))).await;
        self.replace_ended().await?;
        self.end_faults().await?;
        self.stop().await?;
        check::check_all(&self).await?;
        let (steps, hash) = self.world.steps_and_hash();
        Ok(Report { steps, hash, submitted: self.submitted.len() as u64, killed: self.killed })
    }

    /// Ends all faults and waits until everything is processed, with all writers, with one, or with one new
    /// writer and the others paused. Then resumes all and waits again.
    async fn end_faults(&mut self) -> Result<(), String> {
        self.world.set_failure_rate(0);
        self.network.set_unavailable(false);
        self.network.set_short_of_memory(false);
        self.world.trace(format_args!("faults end"));
        match self.world.below(3) {
            0 => self.writers.iter().for_each(|writer| writer.process.resume()),
            1 => {
                let remaining =
                    self.writers.swap_remove(self.world.below(self.writers.len() as u64) as usize);
                remaining.process.resume();
                self.stopped.extend(self.writers.iter().map(|writer| writer.name.clone()));
                self.writers.drain(..).for_each(|writer| writer.process.kill());
                self.writers.push(remaining);
            }
            _ => {
                let remaining = self.start_writer();
                self.stopped.extend(self.writers.iter().map(|writer| writer.name.clone()));
                let awake = self.writers.iter().filter(|writer| !writer.process.is_paused());
                awake.for_each(|writer| writer.process.pause());
                self.writers.push(remaining);
            }
        }
        self.projectors.iter().for_each(|projector| projector.process.resume());
        self.resubmit_lost().await;
        self.wait_until_idle().await?;
        self.writers.iter().for_each(|writer| writer.process.resume());
        sleep(Duration::from_secs(4)).await;
        self.wait_until_idle().await
    }

    /// Waits until everything is processed.
    async fn wait_until_idle(&mut self) -> Result<(), String> {
        let deadline = self.world.elapsed() + RECOVERY_TIME;
        while let Err(reason) = check::is_idle(self) {
            if self.world.elapsed() > deadline {
                return Err(format!("no progress: {reason}"));
            }
            self.replace_ended().await?;
            sleep(Duration::from_millis(40)).await;
        }
        self.world.trace(format_args!("idle"));
        Ok(())
    }

    /// Adds a command to its stream, or an entry that is no command.
    pub(crate) async fn submit(&mut self, command: Option<Command>) {
        // A separate millisecond for each command identifies it in the checks.
        sleep(Duration::from_millis(1)).await;
        let channel = command.as_ref().map_or(Channel::Bid, |command| command.body.channel());
        let fields = match &command {
            Some(command) => {
                command.to_fields().into_iter().map(|(name, value)| (name.into(), value)).collect()
            }
            None => vec![(b"kind".to_vec(), b"raffle".to_vec())],
        };
        self.world.trace(format_args!("submitted: {:?}", command.as_ref().map(|command| command.id.0)));
        self.network.add(&keys::commands(P, channel), "*", fields);
        self.submitted.insert(self.world.clock(), (channel, command));
    }
}
