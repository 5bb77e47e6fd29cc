//! Event store with a simulated connection: slow, and failing before or after a call. An append may take
//! effect long after its client gave up or was killed.

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

/// Content of one committed append.
#[derive(Clone, Debug)]
pub struct Committed {
    pub partition: PartitionId,
    /// Outcomes in the order of their decisions.
    pub outcomes: Vec<Outcome>,
    pub events: Vec<NewEvent>,
}

/// Event store and the log of all committed appends, in order.
#[derive(Clone, Debug)]
pub struct Store {
    inner: MemoryStore,
    world: World,
    log: Arc<Mutex<Vec<Committed>>>,
}

/// Maximum time that a client waits for an answer.
const DEADLINE: Duration = Duration::from_secs(12);

fn lost() -> Unavailable {
    Unavailable::new("postgres", "connection lost")
}

/// Sends a request or a reply: waits, and fails at random.
async fn transfer(world: &World) -> Result<(), Unavailable> {
    world.pause().await;
    timeout(DEADLINE, world.wait_until_responsive(Server::Postgres)).await.map_err(|_| lost())?;
    if world.fails() { Err(lost()) } else { Ok(()) }
}

async fn round_trip<T>(
    world: &World,
    call: impl Future<Output = Result<T, Unavailable>> + Send,
) -> Result<T, Unavailable> {
    transfer(world).await?;
    let answer = call.await?;
    transfer(world).await?;
    Ok(answer)
}

impl Store {
    pub fn new(world: &World) -> Store {
        Store { inner: MemoryStore::default(), world: world.clone(), log: Arc::default() }
    }

    /// Returns the store without the simulated connection.
    pub fn inner(&self) -> &MemoryStore {
        &self.inner
    }

    pub fn log(&self) -> Vec<Committed> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Appends without delay or failure.
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

    /// Runs an append with the delays and failures of the connection.
    async fn run_append(self, batch: AppendBatch, answer: oneshot::Sender<AppendResult>) {
        self.world.pause().await;
        if self.world.chance(500) {
            self.world.wait_until_responsive(Server::Postgres).await;
        }
        self.world.wait_until_responsive(Server::PostgresToAppends).await;
        if self.world.fails() {
            return; // nothing is stored
        }
        if self.world.fails() {
            // The client sees a lost connection. The append still commits later.
            drop(answer);
            sleep(Duration::from_millis(self.world.below(3000))).await;
            self.append_traced(&batch).await;
            return;
        }
        let appended = self.append_traced(&batch).await;
        self.world.pause().await;
        self.world.wait_until_responsive(Server::Postgres).await;
        if !self.world.fails() {
            // The process may have ended.
            let _ = appended.map(|appended| answer.send(appended));
        }
    }

    async fn append_traced(&self, batch: &AppendBatch) -> Option<AppendResult> {
        let appended = self.append_now(batch).await.ok()?;
        let (head, outcomes, events) = (batch.expected_head, batch.outcomes.len(), batch.events.len());
        self.world
            .trace(format_args!("append at {head}: {outcomes} outcomes, {events} events: {appended:?}"));
        Some(appended)
    }
}

impl EventStoreConnector for Store {
    type Store = Store;
    async fn open(&self) -> Result<Store, Unavailable> {
        transfer(&self.world).await?;
        Ok(self.clone())
    }
}

impl EventStore for Store {
    async fn head(&mut self, partition: PartitionId) -> Result<u64, Unavailable> {
        round_trip(&self.world, self.inner.head(partition)).await
    }
    async fn events_after(
        &mut self,
        partition: PartitionId,
        after: u64,
        limit: usize,
    ) -> Result<Vec<EventRecord>, Unavailable> {
        round_trip(&self.world, self.inner.events_after(partition, after, limit)).await
    }
    async fn history(&mut self, keys: &[Uuid], until: u64) -> Result<Vec<EventRecord>, Unavailable> {
        round_trip(&self.world, self.inner.history(keys, until)).await
    }
    async fn history_since_snapshot(
        &mut self,
        keys: &[Uuid],
        until: u64,
    ) -> Result<AggregateHistory, Unavailable> {
        round_trip(&self.world, self.inner.history_since_snapshot(keys, until)).await
    }
    async fn save_snapshot(&mut self, snapshot: &SnapshotRecord) -> Result<(), Unavailable> {
        self.inner.save_snapshot(snapshot).await
    }
    async fn outcomes(&mut self, commands: &[CommandId]) -> Result<Vec<Outcome>, Unavailable> {
        round_trip(&self.world, self.inner.outcomes(commands)).await
    }
    async fn active_users(&mut self, users: &[UserId]) -> Result<Vec<UserId>, Unavailable> {
        round_trip(&self.world, self.inner.active_users(users)).await
    }
    async fn deletions_after(&mut self, after: u64) -> Result<Vec<(u64, UserId)>, Unavailable> {
        round_trip(&self.world, self.inner.deletions_after(after)).await
    }
    async fn newest_deletion(&mut self) -> Result<u64, Unavailable> {
        round_trip(&self.world, self.inner.newest_deletion()).await
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
        let (answer, result) = oneshot::channel();
        tokio::spawn(self.clone().run_append(batch.clone(), answer));
        timeout(DEADLINE, result).await.map_err(|_| lost())?.map_err(|_| lost())
    }
}
