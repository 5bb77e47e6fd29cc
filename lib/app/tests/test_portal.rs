//! In-memory partition with its writers, and the checks of its final state.

use crate::running_task::{RunningTask, until};
use auction_app::ports::commands::command_queue::CommandQueue;
use auction_app::ports::commands::command_stream::CommandStreamConnector;
use auction_app::ports::events::event_store::EventStoreConnector;
use auction_app::writer::close_clock::CloseClock;
use auction_app::writer::decider::DeciderConfig;
use auction_app::writer::dispatch::DecideFn;
use auction_app::writer::partition_writer::{self, PartitionWriter, WriterError};
use auction_app::writer::snapshots::{SnapshotPolicy, run_snapshot_writer, snapshots};
use auction_app::writer::unknown_kinds::UnknownKinds;
use auction_domain::auction::Auction;
use auction_redis::command_stream::RedisCommandStreams;
use auction_simulation::locks::Locks;
use auction_simulation::older_writer::OlderStreams;
use auction_simulation::streams::{Streams, partitions};
use auction_simulation::world::World;
use auction_testkit::contract::command_stream::StreamHarness;
use auction_testkit::fixtures::{AT, P};
use auction_testkit::memory::MemoryStore;
use auction_wire::{Command, CommandId, Event, EventRecord, Outcome, OutcomeResult, PartitionId};
use std::cell::Cell;
use std::collections::HashMap;
use std::num::{NonZeroU64, NonZeroUsize};
use std::time::Duration;
use tokio::time::Instant;
use uuid::Uuid;
use worker_runtime::Supervisor;

/// Small cache, so that most state is loaded from the store.
const TWO: NonZeroUsize = NonZeroUsize::new(2).unwrap();

/// Nearly every batch takes a snapshot, so that nearly all state is loaded from snapshots.
const OFTEN: SnapshotPolicy =
    SnapshotPolicy { events: NonZeroU64::new(1).unwrap(), bytes: NonZeroU64::new(1_000_000).unwrap() };

/// Largest difference of the clocks at which an auction is closed.
pub(crate) const MAX_CLOSE_SKEW: Duration = Duration::from_secs(2);

thread_local! {
    /// Start of the schedule of this thread, when the clock of Redis shows [`AT`].
    static BEGAN: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// Returns the time of the machine of the writers, whose clock is always right.
fn writer_clock() -> Duration {
    let began = BEGAN.get().expect("a portal was created in this thread");
    Duration::from_millis(AT.0.unsigned_abs()) + began.elapsed()
}

/// Returns a configuration with small caches and many snapshots.
pub(crate) fn decider_config() -> DeciderConfig {
    let close_clock = CloseClock { now: writer_clock, max_skew: MAX_CLOSE_SKEW };
    DeciderConfig {
        aggregates: TWO,
        active_users: TWO,
        decide: DecideFn::default(),
        snapshots: OFTEN,
        close_clock,
    }
}

#[derive(Clone)]
pub(crate) struct TestPortal {
    pub(crate) store: MemoryStore,
    pub(crate) streams: Streams,
    /// Delays and failures of the streams and locks.
    pub(crate) world: World,
    /// Set if writers take turns.
    pub(crate) locks: Option<Locks>,
}

pub(crate) type RunningWriter = RunningTask<Result<(), WriterError>>;

pub(crate) fn start_writer<S, C>(
    partition: PartitionId,
    decide: DecideFn,
    stores: S,
    streams: C,
    locks: Option<Locks>,
) -> RunningWriter
where
    S: EventStoreConnector<Store: 'static> + 'static,
    C: CommandStreamConnector<Reader: 'static, Settler: 'static> + 'static,
{
    start_waiting_writer(partition, decide, stores, streams, locks, UnknownKinds::new(Duration::ZERO))
}

/// Starts a writer that leaves commands of unknown kinds to a newer writer for some time.
pub(crate) fn start_waiting_writer<S, C>(
    partition: PartitionId,
    decide: DecideFn,
    stores: S,
    streams: C,
    locks: Option<Locks>,
    unknown_kinds: UnknownKinds,
) -> RunningWriter
where
    S: EventStoreConnector<Store: 'static> + 'static,
    C: CommandStreamConnector<Reader: 'static, Settler: 'static> + 'static,
{
    let config = DeciderConfig { decide, ..decider_config() };
    let (snapshots, receiver) = snapshots();
    RunningTask::start(|stop| async move {
        let supervisor = Supervisor::without_health("snapshots", stop.clone());
        let snapshot_writer = run_snapshot_writer(&stores, receiver, supervisor);
        let supervisor = Supervisor::without_health("writer", stop);
        let writer = PartitionWriter { partition, config, snapshots, unknown_kinds, supervisor };
        let (result, ()) =
            tokio::join!(partition_writer::run(&stores, &streams, locks.as_ref(), writer), snapshot_writer);
        result.inspect_err(|error| eprintln!("partition writer failed: {error}"))
    })
}

impl TestPortal {
    pub(crate) fn new(world: World, pessimistic: bool) -> TestPortal {
        BEGAN.set(Some(Instant::now() - Duration::from_millis(world.elapsed())));
        let (store, streams) = (MemoryStore::default(), Streams::new(&world));
        let locks = pessimistic.then(|| Locks::new(&world));
        TestPortal { store, streams, world, locks }
    }

    /// Returns a portal without delays and failures.
    pub(crate) fn calm() -> TestPortal {
        TestPortal::new(World::calm(), false)
    }

    /// Returns a portal with the same store and empty streams.
    pub(crate) fn with_empty_streams(&self) -> TestPortal {
        TestPortal { streams: Streams::new(&self.world), ..self.clone() }
    }

    pub(crate) fn command_streams(&self, count: usize) -> RedisCommandStreams {
        self.streams.command_streams(count, self.locks.is_some())
    }

    /// Starts a writer that reads at most `count` commands at a time.
    pub(crate) fn start(&self, count: usize) -> RunningWriter {
        self.start_with(DecideFn::default(), count)
    }

    pub(crate) fn start_with(&self, decide: DecideFn, count: usize) -> RunningWriter {
        start_writer(P, decide, self.store.clone(), self.command_streams(count), self.locks.clone())
    }

    /// Starts a writer of an earlier version, which does not know a kind of commands and waits for a newer writer.
    pub(crate) fn start_older(&self, count: usize, unknown: &'static str, wait: Duration) -> RunningWriter {
        let streams = OlderStreams { streams: self.command_streams(count), unknown: Some(unknown) };
        let unknown_kinds = UnknownKinds::new(wait);
        let (stores, locks) = (self.store.clone(), self.locks.clone());
        start_waiting_writer(P, DecideFn::default(), stores, streams, locks, unknown_kinds)
    }

    /// Starts a writer for each partition.
    pub(crate) fn start_all(&self, count: usize) -> Vec<RunningWriter> {
        partitions().all().map(|partition| self.start_in(partition, count)).collect()
    }

    /// Starts a writer for a partition.
    pub(crate) fn start_in(&self, partition: PartitionId, count: usize) -> RunningWriter {
        let streams = self.command_streams(count);
        start_writer(partition, DecideFn::default(), self.store.clone(), streams, None)
    }

    pub(crate) async fn submit(&self, command: &Command) {
        self.streams.submit(command.clone()).await.unwrap();
    }

    pub(crate) fn outcome(&self, command: &Command) -> Outcome {
        self.store.all_outcomes()[&command.id].clone()
    }

    pub(crate) fn is_accepted(&self, command: &Command) -> bool {
        matches!(self.outcome(command).result, OutcomeResult::Accepted { .. })
    }

    /// Returns the code of a refusal.
    pub(crate) fn refused(&self, command: &Command) -> String {
        match self.outcome(command).result {
            OutcomeResult::Refused { code, .. } => code,
            other => panic!("{other:?}"),
        }
    }

    /// Returns whether all commands are acknowledged and all events are published.
    pub(crate) fn is_quiet(&self, given: usize) -> bool {
        self.streams.acknowledged() == given && self.streams.head() == self.store.events(P).len() as u64
    }

    /// Waits until [`TestPortal::is_quiet`], in paused time.
    pub(crate) async fn quiet(&self, given: usize) {
        until("all commands are acknowledged", async || self.is_quiet(given)).await;
    }

    /// Runs one writer, which reads at most `count` commands at a time, until everything is processed.
    pub(crate) async fn work(&self, count: usize, given: usize) {
        let writer = self.start(count);
        self.quiet(given).await;
        writer.stop().await.unwrap();
    }

    /// Checks the final state. `given` are the commands in the order of submission, with repeats.
    pub(crate) async fn check(&self, given: &[Command]) {
        let (stored, published) = (self.store.events(P), self.streams.events().await);
        assert!(
            stored.iter().zip(1..).all(|(event, position)| event.position == position),
            "positions are gap-free"
        );
        assert_eq!(stored.len(), published.len());
        assert!(
            stored.iter().zip(&published).all(|(one, other)| one.same_history(other)),
            "the stream equals the store"
        );
        assert_eq!(self.streams.pending().await, 0);
        self.check_snapshots(&stored);
        let mut first: HashMap<CommandId, usize> = HashMap::new();
        for (at, command) in given.iter().enumerate() {
            first.entry(command.id).or_insert(at);
        }
        let outcomes = self.store.all_outcomes();
        assert_eq!(outcomes.len(), first.len(), "one outcome per command");
        assert!(first.keys().all(|command| outcomes.contains_key(command)));
        self.check_events(&stored, &first, &outcomes);
        for reply in self.streams.replies().await {
            assert_eq!(reply, outcomes[&reply.command], "replies equal the stored outcomes");
        }
    }

    /// Checks that each snapshot equals the state after its events.
    fn check_snapshots(&self, stored: &[EventRecord]) {
        for snapshot in self.store.snapshots() {
            let mut auction = None;
            let events = stored.iter().filter(|event| event.key == snapshot.key);
            for event in events.take_while(|event| event.position <= snapshot.position) {
                if let Event::Auction(body) = event.event().unwrap() {
                    Auction::apply(&mut auction, &body, event.at);
                }
            }
            let snapshot_state = snapshot.auction().unwrap().state();
            assert_eq!(
                Some(snapshot_state),
                auction.map(|auction| auction.state()),
                "snapshots contain stored events only"
            );
        }
    }

    fn check_events(
        &self,
        stored: &[EventRecord],
        first: &HashMap<CommandId, usize>,
        outcomes: &HashMap<CommandId, Outcome>,
    ) {
        let mut last: HashMap<Uuid, (u64, usize)> = HashMap::new();
        for event in stored {
            let given_at = first[&event.cause];
            let (version, given_before) = last.insert(event.key, (event.version, given_at)).unwrap_or((0, 0));
            assert_eq!(event.version, version + 1, "versions are gap-free");
            assert!(given_before <= given_at, "{}: events are in the order of the commands", event.key);
            assert!(matches!(outcomes[&event.cause].result, OutcomeResult::Accepted { .. }));
        }
        for outcome in outcomes.values() {
            let events = stored.iter().filter(|event| event.cause == outcome.command).count();
            let accepted = matches!(outcome.result, OutcomeResult::Accepted { .. });
            assert_eq!(events > 0, accepted, "events if and only if accepted: {outcome:?}");
        }
    }
}
