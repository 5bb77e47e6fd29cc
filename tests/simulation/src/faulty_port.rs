//! Ports with a simulated connection: slow, and failing before or after a call. A failure before the call means
//! that nothing happened. A failure after it means that the call took effect and its result was lost.

use crate::process::is_aborted;
use crate::world::{Server, World};
use async_trait::async_trait;
use auction_app::ports::Unavailable;
use auction_app::ports::commands::command_queue::CommandQueue;
use auction_app::ports::events::event_store::{
    AggregateHistory, AppendBatch, AppendResult, EventStore, EventStoreConnector, OpenAuctions,
    UnrevealedAuctions,
};
use auction_app::ports::notifications::notification_sink::{NewNotification, NotificationSink};
use auction_app::ports::notifications::notification_store::{
    NotificationBatch, NotificationCommit, NotificationStore, NotificationStoreConnector,
};
use auction_app::ports::notifications::placement::{
    OutgoingGroup, PlacementAnnouncer, PlacementBatch, PlacementProgress, PlacementResult, PlacementStore,
};
use auction_app::ports::people::accounts::PersonalDataErasure;
use auction_app::ports::people::user_deletions::{Bar, OpenInterest, PendingDeletion, UserDeletions};
use auction_domain::{Timestamp, UserId};
use auction_wire::{Command, CommandId, EventRecord, Outcome, PartitionId, SnapshotRecord};
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::{sleep, timeout};
use uuid::Uuid;

/// Maximum time that a client waits for an answer.
const DEADLINE: Duration = Duration::from_secs(12);

fn lost() -> Unavailable {
    Unavailable::new("postgres", "connection lost")
}

/// Port behind a simulated connection.
#[derive(Clone, Debug)]
pub struct FaultyPort<T> {
    inner: T,
    world: World,
}

impl<T> FaultyPort<T> {
    pub fn new(inner: T, world: &World) -> FaultyPort<T> {
        FaultyPort { inner, world: world.clone() }
    }

    /// Returns the port without the simulated connection.
    pub fn inner(&self) -> &T {
        &self.inner
    }
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

impl<S: EventStore> FaultyPort<S> {
    /// Runs an append with the delays and failures of the connection. It may take effect long after its client
    /// gave up or was killed.
    async fn run_append(mut self, batch: AppendBatch, answer: oneshot::Sender<AppendResult>) {
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

    async fn append_traced(&mut self, batch: &AppendBatch) -> Option<AppendResult> {
        let appended = self.inner.append(batch).await.ok()?;
        let (head, outcomes, events) = (batch.expected_head, batch.outcomes.len(), batch.events.len());
        self.world
            .trace(format_args!("append at {head}: {outcomes} outcomes, {events} events: {appended:?}"));
        Some(appended)
    }
}

impl<S> EventStoreConnector for FaultyPort<S>
where
    S: EventStoreConnector<Store: Clone + 'static>,
{
    type Store = FaultyPort<S::Store>;
    async fn open(&self) -> Result<Self::Store, Unavailable> {
        transfer(&self.world).await?;
        Ok(FaultyPort::new(self.inner.open().await?, &self.world))
    }
}

impl<S: EventStore + Clone + 'static> EventStore for FaultyPort<S> {
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
        round_trip(&self.world, self.inner.save_snapshot(snapshot)).await
    }
    async fn outcomes(
        &mut self,
        partition: PartitionId,
        commands: &[CommandId],
    ) -> Result<Vec<Outcome>, Unavailable> {
        round_trip(&self.world, self.inner.outcomes(partition, commands)).await
    }
    async fn active_users(
        &mut self,
        partition: PartitionId,
        users: &[UserId],
    ) -> Result<Vec<UserId>, Unavailable> {
        round_trip(&self.world, self.inner.active_users(partition, users)).await
    }
    async fn unfinished_bars(&mut self, partition: PartitionId) -> Result<Vec<UserId>, Unavailable> {
        round_trip(&self.world, self.inner.unfinished_bars(partition)).await
    }
    async fn open_auctions(&mut self, partition: PartitionId) -> Result<OpenAuctions, Unavailable> {
        round_trip(&self.world, self.inner.open_auctions(partition)).await
    }
    async fn unrevealed_auctions(
        &mut self,
        partition: PartitionId,
    ) -> Result<UnrevealedAuctions, Unavailable> {
        round_trip(&self.world, self.inner.unrevealed_auctions(partition)).await
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

#[async_trait]
impl<Q: CommandQueue> CommandQueue for FaultyPort<Q> {
    async fn submit(&self, command: Command) -> Result<(), Unavailable> {
        round_trip(&self.world, self.inner.submit(command)).await
    }
    async fn now(&self) -> Result<Timestamp, Unavailable> {
        round_trip(&self.world, self.inner.now()).await
    }
}

impl<D: UserDeletions> UserDeletions for FaultyPort<D> {
    async fn unfinished(&self, limit: usize) -> Result<Vec<PendingDeletion>, Unavailable> {
        round_trip(&self.world, self.inner.unfinished(limit)).await
    }
    async fn bars(&self, users: &[UserId]) -> Result<Vec<Bar>, Unavailable> {
        round_trip(&self.world, self.inner.bars(users)).await
    }
    async fn open_interests(
        &self,
        barred: &[(PartitionId, UserId)],
    ) -> Result<Vec<(PartitionId, UserId, OpenInterest)>, Unavailable> {
        round_trip(&self.world, self.inner.open_interests(barred)).await
    }
    async fn record_attempts(&self, sent: &[PendingDeletion]) -> Result<(), Unavailable> {
        round_trip(&self.world, self.inner.record_attempts(sent)).await
    }
    async fn record_removals_sent(&self, sent: &[Bar]) -> Result<(), Unavailable> {
        round_trip(&self.world, self.inner.record_removals_sent(sent)).await
    }
    async fn finish_bars(&self, bars: &[(PartitionId, UserId)]) -> Result<(), Unavailable> {
        round_trip(&self.world, self.inner.finish_bars(bars)).await
    }
    async fn finish(&self, users: &[UserId]) -> Result<(), Unavailable> {
        round_trip(&self.world, self.inner.finish(users)).await
    }
}

impl<E: PersonalDataErasure> PersonalDataErasure for FaultyPort<E> {
    async fn erase(&self, users: &[UserId]) -> Result<Vec<UserId>, Unavailable> {
        round_trip(&self.world, self.inner.erase(users)).await
    }
}

impl<N: NotificationStoreConnector> NotificationStoreConnector for FaultyPort<N> {
    type Store = FaultyPort<N::Store>;
    async fn open(&self) -> Result<Self::Store, Unavailable> {
        Ok(FaultyPort::new(round_trip(&self.world, self.inner.open()).await?, &self.world))
    }
}

impl<N: NotificationStore> NotificationStore for FaultyPort<N> {
    async fn checkpoint(&mut self, partition: PartitionId) -> Result<u64, Unavailable> {
        round_trip(&self.world, self.inner.checkpoint(partition)).await
    }
    async fn commit(&mut self, batch: &NotificationBatch) -> Result<NotificationCommit, Unavailable> {
        round_trip(&self.world, self.inner.commit(batch)).await
    }
}

impl<S: PlacementStore> PlacementStore for FaultyPort<S> {
    async fn progress(&self, users: PartitionId) -> Result<PlacementProgress, Unavailable> {
        round_trip(&self.world, self.inner.progress(users)).await
    }
    async fn outgoing(
        &self,
        users: PartitionId,
        progress: &PlacementProgress,
        limit: usize,
    ) -> Result<Vec<OutgoingGroup>, Unavailable> {
        round_trip(&self.world, self.inner.outgoing(users, progress, limit)).await
    }
    async fn remove_placed(
        &self,
        users: PartitionId,
        progress: &PlacementProgress,
    ) -> Result<(), Unavailable> {
        round_trip(&self.world, self.inner.remove_placed(users, progress)).await
    }
    async fn place(&self, batch: &PlacementBatch) -> Result<PlacementResult, Unavailable> {
        round_trip(&self.world, self.inner.place(batch)).await
    }
}

impl<A: PlacementAnnouncer> PlacementAnnouncer for FaultyPort<A> {
    async fn announce(&self, users: &[PartitionId]) -> Result<(), Unavailable> {
        round_trip(&self.world, self.inner.announce(users)).await
    }
}

impl<D: NotificationSink> NotificationSink for FaultyPort<D> {
    async fn begin(&self, users: PartitionId) -> Result<(), Unavailable> {
        round_trip(&self.world, self.inner.begin(users)).await
    }
    async fn deliver(&self, notifications: &[NewNotification]) -> Result<(), Unavailable> {
        round_trip(&self.world, self.inner.deliver(notifications)).await
    }
}
