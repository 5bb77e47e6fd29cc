//! The way to the event store, and to its locks: slow, and failing before or after; an append may be done long after
//! whoever sent it has given up or is dead.

use crate::process::is_aborted;
use crate::world::{Server, World};
use auction_app::ports::Unavailable;
use auction_app::ports::events::event_store::{
    AggregateHistory, AppendBatch, AppendResult, EventStore, EventStoreConnector, NewEvent, OpenAuctions,
    UnrevealedAuctions,
};
use auction_domain::UserId;
use auction_testkit::memory::MemoryStore;
use auction_wire::{CommandId, EventRecord, Outcome, PartitionId, SnapshotRecord};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::{sleep, timeout};
use uuid::Uuid;

/// What was stored in one go.
#[derive(Clone, Debug)]
pub struct Committed {
    /// Where.
    pub partition: PartitionId,
    /// Its outcomes, in the order in which they were decided.
    pub outcomes: Vec<Outcome>,
    /// Its events.
    pub events: Vec<NewEvent>,
}

/// A store, and everything that was ever stored in it, in order.
#[derive(Clone, Debug)]
pub struct Store {
    inner: MemoryStore,
    world: World,
    log: Arc<Mutex<Vec<Committed>>>,
}

/// An answer that takes longer is not waited for.
const DEADLINE: Duration = Duration::from_secs(12);

fn lost() -> Unavailable {
    Unavailable::new("postgres", "the connection is lost")
}

impl Store {
    /// An empty one.
    pub fn new(world: &World) -> Store {
        Store { inner: MemoryStore::default(), world: world.clone(), log: Arc::default() }
    }

    /// Without anything between.
    pub fn inner(&self) -> &MemoryStore {
        &self.inner
    }

    /// Everything that was stored, in order.
    pub fn log(&self) -> Vec<Committed> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Stores at once.
    pub async fn append_now(&self, batch: &AppendBatch) -> Result<AppendResult, Unavailable> {
        let appended = self.inner.clone().append(batch).await?;
        if appended == AppendResult::Committed {
            let (partition, outcomes, events) =
                (batch.partition, batch.outcomes.clone(), batch.events.clone());
            let committed = Committed { partition, outcomes, events };
            self.log.lock().unwrap_or_else(PoisonError::into_inner).push(committed);
        }
        Ok(appended)
    }

    async fn passes(&self) -> Result<(), Unavailable> {
        self.world.moment().await;
        timeout(DEADLINE, self.world.is_heard(Server::Postgres)).await.map_err(|_| lost())?;
        if self.world.fails() { Err(lost()) } else { Ok(()) }
    }

    /// What becomes of an append on its way and back.
    async fn carry(self, batch: AppendBatch, answer: oneshot::Sender<AppendResult>) {
        self.world.moment().await;
        if self.world.chance(500) {
            self.world.is_heard(Server::Postgres).await;
        }
        self.world.is_heard(Server::PostgresToAppends).await;
        if self.world.fails() {
            return; // and nothing was stored
        }
        if self.world.fails() {
            // Whoever sent it is told that the connection is lost; it is stored later nevertheless.
            drop(answer);
            sleep(Duration::from_millis(self.world.below(3000))).await;
            self.store(&batch).await;
            return;
        }
        let appended = self.store(&batch).await;
        self.world.moment().await;
        self.world.is_heard(Server::Postgres).await;
        if !self.world.fails() {
            // The process may be dead.
            let _ = appended.map(|appended| answer.send(appended));
        }
    }

    async fn store(&self, batch: &AppendBatch) -> Option<AppendResult> {
        let appended = self.append_now(batch).await.ok()?;
        let (head, outcomes, events) = (batch.expected_head, batch.outcomes.len(), batch.events.len());
        self.world.note(format_args!("append at {head}: {outcomes} outcomes, {events} events: {appended:?}"));
        Some(appended)
    }
}

impl EventStoreConnector for Store {
    type Store = Store;
    async fn open(&self) -> Result<Store, Unavailable> {
        self.passes().await?;
        Ok(self.clone())
    }
}

impl EventStore for Store {
    async fn head(&mut self, partition: PartitionId) -> Result<u64, Unavailable> {
        self.passes().await?;
        let head = self.inner.head(partition).await?;
        self.passes().await.map(|()| head)
    }
    async fn events_after(
        &mut self,
        partition: PartitionId,
        after: u64,
        limit: usize,
    ) -> Result<Vec<EventRecord>, Unavailable> {
        self.passes().await?;
        let events = self.inner.events_after(partition, after, limit).await?;
        self.passes().await.map(|()| events)
    }
    async fn history(&mut self, keys: &[Uuid], until: u64) -> Result<Vec<EventRecord>, Unavailable> {
        self.passes().await?;
        let events = self.inner.history(keys, until).await?;
        self.passes().await.map(|()| events)
    }
    async fn history_since_snapshot(
        &mut self,
        keys: &[Uuid],
        until: u64,
    ) -> Result<AggregateHistory, Unavailable> {
        self.passes().await?;
        let history = self.inner.history_since_snapshot(keys, until).await?;
        self.passes().await.map(|()| history)
    }
    async fn save_snapshot(&mut self, snapshot: &SnapshotRecord) -> Result<(), Unavailable> {
        self.inner.save_snapshot(snapshot).await
    }
    async fn outcomes(&mut self, commands: &[CommandId]) -> Result<Vec<Outcome>, Unavailable> {
        self.passes().await?;
        let outcomes = self.inner.outcomes(commands).await?;
        self.passes().await.map(|()| outcomes)
    }
    async fn active_users(&mut self, users: &[UserId]) -> Result<Vec<UserId>, Unavailable> {
        self.passes().await?;
        let active = self.inner.active_users(users).await?;
        self.passes().await.map(|()| active)
    }
    async fn deletions_after(&mut self, after: u64) -> Result<Vec<(u64, UserId)>, Unavailable> {
        self.passes().await?;
        let deletions = self.inner.deletions_after(after).await?;
        self.passes().await.map(|()| deletions)
    }
    async fn newest_deletion(&mut self) -> Result<u64, Unavailable> {
        self.passes().await?;
        let newest = self.inner.newest_deletion().await?;
        self.passes().await.map(|()| newest)
    }
    async fn open_auctions(&mut self, partition: PartitionId) -> Result<OpenAuctions, Unavailable> {
        self.inner.open_auctions(partition).await
    }
    async fn unrevealed_auctions(
        &mut self,
        partition: PartitionId,
    ) -> Result<UnrevealedAuctions, Unavailable> {
        self.inner.unrevealed_auctions(partition).await
    }
    async fn append(&mut self, batch: &AppendBatch) -> Result<AppendResult, Unavailable> {
        if is_aborted() {
            return std::future::pending().await;
        }
        let (answer, told) = oneshot::channel();
        tokio::spawn(self.clone().carry(batch.clone(), answer));
        timeout(DEADLINE, told).await.map_err(|_| lost())?.map_err(|_| lost())
    }
}
