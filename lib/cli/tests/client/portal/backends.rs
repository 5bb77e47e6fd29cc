//! Backends of the test portal: the real decider and the real projector over a store in memory.

use async_trait::async_trait;
use auction_app::consume::EventHandler;
use auction_app::ingress::command_gateway::OutcomeWaiters;
use auction_app::ports::Unavailable;
use auction_app::ports::commands::command_queue::CommandQueue;
use auction_app::ports::commands::command_stream::ReceivedCommand;
use auction_app::ports::commands::outcomes::OutcomeReader;
use auction_app::ports::events::event_store::{AppendResult, EventStore};
use auction_app::ports::views::read_models::ReadModelReader;
use auction_app::projector::Projector;
use auction_app::writer::close_clock::CloseClock;
use auction_app::writer::decider::{Decider, DeciderConfig, KnownOutcomes};
use auction_app::writer::dispatch::DecideFn;
use auction_app::writer::snapshots::SnapshotPolicy;
use auction_domain::auction::{AuctionCommand, AuctionEvent, CloseAuction};
use auction_domain::{Actor, Timestamp};
use auction_http::state::wall_clock;
use auction_testkit::memory::{MemoryStore, MemoryViews};
use auction_wire::{Command, CommandBody, CommandId, Event, EventRecord, PartitionId};
use std::collections::{HashMap, HashSet};
use std::num::{NonZeroU64, NonZeroUsize};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::{Mutex as AsyncMutex, mpsc};
use tokio::time::sleep;
use uuid::Uuid;
use worker_runtime::EntryId;

/// Only partition of the test portal.
pub(super) const PARTITION: PartitionId = PartitionId(0);

/// Delay of read models, of the auctioneer, and of commands whose client does not wait.
const LAG: Duration = Duration::from_millis(15);

const CACHE_SIZE: NonZeroUsize = NonZeroUsize::new(1000).unwrap();

#[derive(Clone)]
pub(crate) struct Backends {
    pub(super) store: MemoryStore,
    pub(super) views: MemoryViews,
    pub(super) waiters: Arc<OutcomeWaiters>,
    decider: Arc<AsyncMutex<Decider>>,
    published: mpsc::UnboundedSender<Vec<EventRecord>>,
    observed: Arc<Mutex<Observed>>,
    /// Set while no writer runs.
    without_writer: Arc<AtomicBool>,
    /// Set while no auctioneer runs.
    without_auctioneer: Arc<AtomicBool>,
}

/// Commands that were submitted.
#[derive(Default)]
struct Observed {
    commands: HashSet<CommandId>,
    /// The newest command of each user and auction.
    newest: HashMap<Uuid, CommandId>,
    repeated: u64,
    out_of_order: u64,
}

impl Backends {
    pub(super) async fn start() -> Backends {
        let never = SnapshotPolicy { events: NonZeroU64::MAX, bytes: NonZeroU64::MAX };
        let config = DeciderConfig {
            aggregates: CACHE_SIZE,
            active_users: CACHE_SIZE,
            decide: DecideFn::default(),
            snapshots: never,
            close_clock: CloseClock::UNCHECKED,
        };
        let (published, events) = mpsc::unbounded_channel();
        let (store, views) = (MemoryStore::default(), MemoryViews::default());
        tokio::spawn(project(store.clone(), views.clone(), events));
        Backends {
            store,
            views,
            waiters: Arc::default(),
            decider: Arc::new(AsyncMutex::new(Decider::new(PARTITION, 0, config))),
            published,
            observed: Arc::default(),
            without_writer: Arc::default(),
            without_auctioneer: Arc::default(),
        }
    }

    /// Stores no outcomes and no events from now on.
    pub(crate) fn stop_writer(&self) {
        self.without_writer.store(true, Ordering::Relaxed);
    }

    /// Closes no auctions from now on.
    pub(crate) fn stop_auctioneer(&self) {
        self.without_auctioneer.store(true, Ordering::Relaxed);
    }

    /// Waits until the read models contain all stored events.
    pub(crate) async fn wait_for_read_models(&self) {
        let head = self.store.events(PARTITION).len() as u64;
        while self.views.checkpoint(PARTITION).await.unwrap() < head {
            sleep(Duration::from_millis(1)).await;
        }
    }

    /// Returns the number of stored events of a kind.
    pub(crate) fn count(&self, kind: &str) -> u64 {
        self.store.events(PARTITION).iter().filter(|event| event.kind == kind).count() as u64
    }

    /// Returns the prices of all winning bids, sorted.
    pub(crate) fn winning_prices(&self) -> Vec<u64> {
        let events = self.store.events(PARTITION);
        let prices = events.iter().filter_map(|record| match record.event().unwrap() {
            Event::Auction(AuctionEvent::WinnerAnnounced(winner)) => Some(winner.price.minor_units()),
            _ => None,
        });
        let mut prices: Vec<u64> = prices.collect();
        prices.sort_unstable();
        prices
    }

    /// Returns the number of commands that were submitted more than once.
    pub(crate) fn repeated(&self) -> u64 {
        self.observed.lock().unwrap().repeated
    }

    /// Returns the number of commands sent to an auction while another one was undecided.
    pub(crate) fn out_of_order(&self) -> u64 {
        self.observed.lock().unwrap().out_of_order
    }

    async fn observe(&self, command: &Command) -> Result<(), Unavailable> {
        let before = self.observed.lock().unwrap().newest.insert(command.key, command.id);
        let undecided = match before.filter(|before| *before != command.id) {
            Some(before) => self.store.outcome(before, None).await?.is_none(),
            None => false,
        };
        let mut observed = self.observed.lock().unwrap();
        observed.out_of_order += u64::from(undecided);
        observed.repeated += u64::from(!observed.commands.insert(command.id));
        Ok(())
    }

    /// Decides a command after a delay, and closes the auction that it ended.
    async fn process(self, command: Command, delay: Duration) {
        sleep(delay).await;
        self.decide(command.clone()).await;
        let ends = matches!(command.body, CommandBody::Auction(AuctionCommand::EndAuction(_)));
        if ends && !self.without_auctioneer.load(Ordering::Relaxed) {
            sleep(LAG).await;
            let body = CommandBody::Auction(AuctionCommand::CloseAuction(CloseAuction));
            let id = CommandId(Uuid::new_v4());
            self.decide(Command { id, actor: Actor::Portal, expect: None, body, ..command }).await;
        }
    }

    async fn decide(&self, command: Command) {
        let (id, mut store, mut decider) = (command.id, self.store.clone(), self.decider.lock().await);
        if store.outcome(id, None).await.unwrap().is_none() {
            let entry = EntryId { ms: wall_clock().0.unsigned_abs(), seq: 0 };
            let batch = [ReceivedCommand { channel: command.body.channel(), entry, command: Ok(command) }];
            let decided = decider.decide(&mut store, &batch, &KnownOutcomes::default()).await.unwrap();
            assert_eq!(store.append(&decided.append).await.unwrap(), AppendResult::Committed);
            self.published.send(decided.into_settlement().events).unwrap();
        }
        let outcome = store.outcome(id, None).await.unwrap().unwrap();
        self.waiters.deliver(&outcome);
        self.waiters.on_announced([id].into_iter());
    }
}

#[async_trait]
impl CommandQueue for Backends {
    async fn submit(&self, command: Command) -> Result<(), Unavailable> {
        self.observe(&command).await?;
        if !self.without_writer.load(Ordering::Relaxed) {
            let delay = if command.reply.is_empty() { LAG } else { Duration::ZERO };
            tokio::spawn(self.clone().process(command, delay));
        }
        Ok(())
    }

    async fn now(&self) -> Result<Timestamp, Unavailable> {
        Ok(wall_clock())
    }
}

/// Keeps the read models up to date, with a delay.
async fn project(
    mut store: MemoryStore,
    views: MemoryViews,
    mut published: mpsc::UnboundedReceiver<Vec<EventRecord>>,
) {
    let mut projector = Projector::new(views, PARTITION, CACHE_SIZE);
    projector.load_checkpoint(&mut store).await.unwrap();
    let mut batches = Vec::new();
    while published.recv_many(&mut batches, CACHE_SIZE.get()).await > 0 {
        sleep(LAG).await;
        let events: Vec<EventRecord> = batches.drain(..).flatten().collect();
        if let Some(last) = events.last() {
            projector.handle(&mut store, &events, last.position).await.unwrap();
        }
    }
}
