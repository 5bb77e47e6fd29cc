//! One schedule: a partition, its writers and projectors, what is asked, and what happens to all of them, from a seed.

pub(crate) mod components;
mod fault_plan;

use crate::check;
use crate::locks::Locks;
use crate::network::Network;
use crate::redis::PersistedState;
use crate::reply::Command as Words;
use crate::store::Store;
use crate::workload::Workload;
use crate::world::{Trace, World};
use auction_redis::keys;
use auction_testkit::fixtures::P;
use auction_wire::{Channel, Command};
use components::{Projector, Writer};
use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;
use tokio::time::sleep;

/// So long everything may take, in time that is only modelled, when nothing fails any more.
const CALM: u64 = 120_000;

/// What a schedule came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Steps after each of which somebody else could go on.
    pub steps: u64,
    /// The hash of everything that happened, if it was asked for.
    pub hash: u64,
    /// Commands that were given, repeats included.
    pub given: u64,
    /// Processes that were killed, or died.
    pub killed: u64,
}

/// A promise was broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// In which schedule.
    pub seed: u64,
    /// Which, and how that shows.
    pub why: String,
}

impl std::fmt::Display for Violation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "seed {}: {}", self.seed, self.why)
    }
}

/// Runs the schedule of a seed.
pub fn run(seed: u64, trace: Trace) -> Result<Report, Violation> {
    let broken = |why| Violation { seed, why };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    let runtime = runtime.map_err(|error| broken(error.to_string()))?;
    worker_runtime::entropy::seed(Some(seed));
    let run = AssertUnwindSafe(|| runtime.block_on(async { Schedule::new(seed, trace).await?.run().await }));
    let told = catch_unwind(run).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
        let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
        Err(format!("panicked: {}", text.unwrap_or_default()))
    });
    worker_runtime::entropy::seed(None);
    told.map_err(broken)
}

/// When a command was put on its stream: no two in the same millisecond.
pub(crate) type GivenAt = BTreeMap<u64, (Channel, Option<Command>)>;

/// A schedule that runs.
pub(crate) struct Schedule {
    pub(crate) world: World,
    pub(crate) network: Network,
    pub(crate) store: Store,
    pub(crate) history: Workload,
    pub(crate) given: GivenAt,
    /// If writers take turns.
    locks: Option<Locks>,
    /// Whether Redis lost something: then who sent it sends it again, and it may come in another order.
    pub(crate) lossy: bool,
    /// Whether old events were taken off their stream.
    pub(crate) trimmed: bool,
    pub(crate) killed: u64,
    /// The writers that were killed or paused: whoever comes after them may take them for ended by what they had in work.
    pub(crate) stopped: BTreeSet<String>,
    /// At most so many commands are read in one go.
    batch: u64,
    writers: Vec<Writer>,
    projectors: Vec<Projector>,
    copy: Option<PersistedState>,
    deleted_elsewhere: usize,
}

impl Schedule {
    async fn new(seed: u64, trace: Trace) -> Result<Schedule, String> {
        let world = World::new(seed, trace);
        let (network, store, history) = (Network::new(&world), Store::new(&world), Workload::draw(&world));
        history.rejected.iter().for_each(|command| store.inner().reject(*command));
        store.append_now(&history.begin_elsewhere()).await.map_err(|error| error.to_string())?;
        let locks = world.chance(150).then(|| Locks::new(&world));
        let (writers, projectors) = (1 + world.below(3), 1 + world.below(2));
        let batch = 1 + world.below(8);
        let mut schedule = Schedule {
            world,
            network,
            store,
            history,
            given: GivenAt::new(),
            locks,
            lossy: false,
            trimmed: false,
            killed: 0,
            stopped: BTreeSet::new(),
            batch,
            writers: Vec::new(),
            projectors: Vec::new(),
            copy: None,
            deleted_elsewhere: 0,
        };
        schedule.writers = (0..writers).map(|_| schedule.writer()).collect();
        schedule.projectors = (0..projectors).map(|_| schedule.projector()).collect();
        Ok(schedule)
    }

    async fn run(mut self) -> Result<Report, String> {
        let failures = if self.world.chance(200) { 0 } else { self.world.below(40) };
        self.world.weather(failures);
        let disturbances = self.world.below(150);
        for command in self.history.given.clone() {
            self.give(command).await;
            sleep(Duration::from_millis(self.world.below(if self.world.chance(100) { 300 } else { 20 })))
                .await;
            if self.world.chance(disturbances) {
                self.disturb().await?;
            }
            self.replace_the_dead().await?;
        }
        sleep(Duration::from_millis(self.world.below(3000))).await;
        self.replace_the_dead().await?;
        self.calm_down().await?;
        self.stop().await?;
        check::everything(&self).await?;
        let (steps, hash) = self.world.told();
        Ok(Report { steps, hash, given: self.given.len() as u64, killed: self.killed })
    }

    /// Nothing fails any more; one writer is left, perhaps beside others that are paused.
    async fn calm_down(&mut self) -> Result<(), String> {
        self.world.weather(0);
        self.network.goes_away(false);
        self.network.is_short_of_memory(false);
        self.world.note(format_args!("calm"));
        match self.world.below(3) {
            0 => self.writers.iter().for_each(|writer| writer.process.goes_on()),
            1 => {
                let stays = self.writers.swap_remove(self.world.below(self.writers.len() as u64) as usize);
                stays.process.goes_on();
                self.stopped.extend(self.writers.iter().map(|writer| writer.name.clone()));
                self.writers.drain(..).for_each(|writer| writer.process.kill());
                self.writers.push(stays);
            }
            _ => {
                let stays = self.writer();
                self.stopped.extend(self.writers.iter().map(|writer| writer.name.clone()));
                let awake = self.writers.iter().filter(|writer| !writer.process.is_paused());
                awake.for_each(|writer| writer.process.pause());
                self.writers.push(stays);
            }
        }
        self.projectors.iter().for_each(|projector| projector.process.goes_on());
        self.give_again_what_was_lost().await;
        self.quiet().await?;
        self.writers.iter().for_each(|writer| writer.process.goes_on());
        sleep(Duration::from_secs(4)).await;
        self.quiet().await
    }

    /// Waits until everything is done.
    async fn quiet(&mut self) -> Result<(), String> {
        let ends = self.world.elapsed() + CALM;
        while let Err(why) = check::is_quiet(self) {
            if self.world.elapsed() > ends {
                return Err(format!("nothing goes on: {why}"));
            }
            self.replace_the_dead().await?;
            sleep(Duration::from_millis(40)).await;
        }
        self.world.note(format_args!("quiet"));
        Ok(())
    }

    /// Puts a command on its stream, or something that is none.
    pub(crate) async fn give(&mut self, command: Option<Command>) {
        // No two of them in the same millisecond: that is how each is told later.
        sleep(Duration::from_millis(1)).await;
        let channel = command.as_ref().map_or(Channel::Bid, |command| command.body.channel());
        let mut words: Words = vec![b"XADD".to_vec(), keys::commands(P, channel).into(), b"*".to_vec()];
        match &command {
            Some(command) => {
                for (name, value) in command.to_fields() {
                    words.extend([name.into(), value]);
                }
            }
            None => words.extend([b"kind".to_vec(), b"raffle".to_vec()]),
        }
        self.world.note(format_args!("given: {:?}", command.as_ref().map(|command| command.id.0)));
        self.network.run(words);
        self.given.insert(self.world.clock(), (channel, command));
    }
}
