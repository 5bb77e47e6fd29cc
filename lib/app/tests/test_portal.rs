//! A partition in memory, its lanes, and what must hold when they are done.

use auction_app::ports::commands::command_queue::CommandQueue;
use auction_app::ports::commands::command_stream::CommandStreamConnector;
use auction_app::ports::events::event_store::EventStoreConnector;
use auction_app::ports::events::partition_lock::PartitionLockConnector;
use auction_app::writer::decider::DeciderConfig;
use auction_app::writer::dispatch::DecideFn;
use auction_app::writer::partition_writer::{self, PartitionWriter, WriterError};
use auction_app::writer::snapshots::{SnapshotPolicy, run_snapshot_writer, snapshots};
use auction_domain::auction::Auction;
use auction_testkit::fixtures::{AT, P};
use auction_testkit::memory::{MemoryCommandStreams, MemoryLocks, MemoryQueue, MemoryStore, MemoryStreams};
use auction_wire::{Command, CommandId, Event, EventRecord, Outcome, OutcomeResult, PartitionCount};
use std::collections::HashMap;
use std::num::{NonZeroU64, NonZeroUsize};
use std::time::Duration;
use tokio::task::JoinHandle;
use uuid::Uuid;
use worker_runtime::health::Health;
use worker_runtime::shutdown::{ShutdownTrigger, shutdown_pair};

/// Small, so that what is needed is not in memory.
const TWO: NonZeroUsize = NonZeroUsize::new(2).unwrap();

/// Nearly every batch ends in a snapshot, and so nearly every state was read from one.
const OFTEN: SnapshotPolicy =
    SnapshotPolicy { events: NonZeroU64::new(1).unwrap(), bytes: NonZeroU64::new(1_000_000).unwrap() };

#[derive(Clone)]
pub(crate) struct World {
    pub(crate) store: MemoryStore,
    pub(crate) streams: MemoryStreams,
    /// If lanes take turns.
    pub(crate) locks: Option<MemoryLocks>,
    queue: MemoryQueue,
}

/// A lane that runs.
pub(crate) struct Running {
    stopper: ShutdownTrigger,
    task: JoinHandle<Result<(), WriterError>>,
}

impl Running {
    pub(crate) fn start<S, L, K>(rules: DecideFn, stores: S, lanes: L, locks: Option<K>) -> Running
    where
        S: EventStoreConnector + 'static,
        S::Store: 'static,
        L: CommandStreamConnector + 'static,
        L::Reader: 'static,
        L::Settler: 'static,
        K: PartitionLockConnector + 'static,
        K::Lock: 'static,
    {
        let limits = DeciderConfig { aggregates: TWO, bidders: TWO, rules, snapshots: OFTEN };
        let (snapshots, waiting) = snapshots();
        let (stopper, stop) = shutdown_pair();
        let task = tokio::spawn(async move {
            let health = Health::default().register("lane");
            let keeping = run_snapshot_writer(&stores, waiting, stop.clone());
            let lane = PartitionWriter { partition: P, limits, snapshots, health, stop };
            let (ended, ()) =
                tokio::join!(partition_writer::run(&stores, &lanes, locks.as_ref(), lane), keeping);
            ended.inspect_err(|error| eprintln!("a lane gave up: {error}"))
        });
        Running { stopper, task }
    }

    pub(crate) async fn stop(self) -> Result<(), WriterError> {
        self.stopper.stop();
        self.task.await.unwrap()
    }

    /// As `kill -9` does, wherever it is.
    pub(crate) fn kill(self) {
        self.task.abort();
    }

    pub(crate) async fn ended(self) -> Result<(), WriterError> {
        self.task.await.unwrap()
    }
}

impl World {
    pub(crate) fn new(by_turns: bool) -> World {
        let streams = MemoryStreams::default();
        streams.set_clock(AT);
        let queue = MemoryQueue(streams.clone(), PartitionCount::new(4).unwrap());
        let locks = by_turns.then(MemoryLocks::default);
        World { store: MemoryStore::default(), streams, locks, queue }
    }

    /// The same store with another Redis.
    pub(crate) fn with_empty_streams(&self) -> World {
        let streams = MemoryStreams::default();
        streams.set_clock(AT);
        let queue = MemoryQueue(streams.clone(), PartitionCount::new(4).unwrap());
        World { streams, queue, ..self.clone() }
    }

    pub(crate) fn lanes(&self, count: usize) -> MemoryCommandStreams {
        MemoryCommandStreams(self.streams.clone(), count)
    }

    /// Starts a lane that reads so many commands at a time.
    pub(crate) fn start(&self, count: usize) -> Running {
        self.start_with(DecideFn::default(), count)
    }

    pub(crate) fn start_with(&self, rules: DecideFn, count: usize) -> Running {
        Running::start(rules, self.store.clone(), self.lanes(count), self.locks.clone())
    }

    pub(crate) async fn give(&self, command: &Command) {
        self.queue.submit(command.clone()).await.unwrap();
    }

    pub(crate) fn outcome(&self, command: &Command) -> Outcome {
        self.store.all_outcomes()[&command.id].clone()
    }

    pub(crate) fn is_accepted(&self, command: &Command) -> bool {
        matches!(self.outcome(command).result, OutcomeResult::Accepted { .. })
    }

    /// The code of a refusal.
    pub(crate) fn refused(&self, command: &Command) -> String {
        match self.outcome(command).result {
            OutcomeResult::Refused { code, .. } => code,
            other => panic!("{other:?}"),
        }
    }

    /// Whether all is decided, published and acknowledged.
    pub(crate) fn is_quiet(&self, given: usize) -> bool {
        self.streams.acknowledged(P) == given && self.streams.events(P).len() == self.store.events(P).len()
    }

    /// Waits for that; in paused time nobody really waits.
    pub(crate) async fn quiet(&self, given: usize) {
        let quiet = async {
            while !self.is_quiet(given) {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        let waited = tokio::time::timeout(Duration::from_secs(3600), quiet).await;
        assert!(waited.is_ok(), "stuck: {} of {given} acknowledged", self.streams.acknowledged(P));
    }

    /// Lets one lane, which reads so many at a time, do all that was given.
    pub(crate) async fn work(&self, count: usize, given: usize) {
        let lane = self.start(count);
        self.quiet(given).await;
        lane.stop().await.unwrap();
    }

    /// What must hold at the end; `given` in the order in which the commands were given, repeats included.
    pub(crate) fn check(&self, given: &[Command]) {
        let (stored, published) = (self.store.events(P), self.streams.events(P));
        assert!(stored.iter().zip(1..).all(|(event, position)| event.position == position), "dense");
        assert_eq!(stored.len(), published.len());
        assert!(stored.iter().zip(&published).all(|(one, other)| one.same_history(other)), "stream is store");
        assert_eq!(self.streams.pending(P), 0);
        self.check_snapshots(&stored);
        let mut first: HashMap<CommandId, usize> = HashMap::new();
        for (at, command) in given.iter().enumerate() {
            first.entry(command.id).or_insert(at);
        }
        let outcomes = self.store.all_outcomes();
        assert_eq!(outcomes.len(), first.len(), "one outcome each");
        assert!(first.keys().all(|command| outcomes.contains_key(command)));
        self.check_events(&stored, &first, &outcomes);
        for (_, reply) in self.streams.replies(P) {
            assert_eq!(reply, outcomes[&reply.command], "what is said is what is stored");
        }
    }

    /// A snapshot is what the events up to it come to.
    fn check_snapshots(&self, stored: &[EventRecord]) {
        for snapshot in self.store.snapshots() {
            let mut auction = None;
            let events = stored.iter().filter(|event| event.key == snapshot.key);
            for event in events.take_while(|event| event.position <= snapshot.position) {
                if let Event::Auction(body) = event.event().unwrap() {
                    Auction::apply(&mut auction, &body, event.at);
                }
            }
            let kept = snapshot.auction().unwrap().memento();
            assert_eq!(Some(kept), auction.map(|auction| auction.memento()), "what is in it did happen");
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
            assert_eq!(event.version, version + 1, "versions are dense");
            assert!(given_before <= given_at, "{}: order of the commands is that of the events", event.key);
            assert!(matches!(outcomes[&event.cause].result, OutcomeResult::Accepted { .. }));
        }
        for outcome in outcomes.values() {
            let events = stored.iter().filter(|event| event.cause == outcome.command).count();
            let accepted = matches!(outcome.result, OutcomeResult::Accepted { .. });
            assert_eq!(events > 0, accepted, "events if and only if accepted: {outcome:?}");
        }
    }
}
