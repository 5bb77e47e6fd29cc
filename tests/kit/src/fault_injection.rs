//! Ports that are slow and fail, by seed. A failure before the call means that nothing happened. A failure
//! after it means that the call took effect and its result was lost.

use crate::random::Random;
use async_trait::async_trait;
use auction_app::ports::Unavailable;
use auction_app::ports::commands::command_queue::CommandQueue;
use auction_app::ports::commands::command_stream::{
    Batch, CommandReader, CommandSettler, CommandStreamConnector, LastEvent, PublishResult, Settlement,
};
use auction_app::ports::events::event_store::{
    AggregateHistory, AppendBatch, AppendResult, EventStore, EventStoreConnector, OpenAuctions,
    UnrevealedAuctions,
};
use auction_app::ports::events::event_stream::{EventStream, EventStreamConnector};
use auction_app::ports::events::partition_lock::{PartitionLock, PartitionLockConnector};
use auction_app::ports::notifications::notification_sink::{NewNotification, NotificationSink};
use auction_app::ports::notifications::notification_store::{
    NotificationBatch, NotificationCommit, NotificationStore, NotificationStoreConnector,
};
use auction_app::ports::people::accounts::PersonalDataErasure;
use auction_app::ports::people::user_deletions::{OpenInterest, PendingDeletion, UserDeletions};
use auction_app::ports::views::read_models::{
    ReadModelCommit, ReadModelConnector, ReadModelWrite, ReadModelWriter,
};
use auction_domain::{Timestamp, UserId};
use auction_wire::{Command, CommandId, EventRecord, Outcome, PartitionId, SnapshotRecord};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use uuid::Uuid;

/// Source of random failures and delays, shared by all ports of a run.
#[derive(Clone, Debug)]
pub struct FaultInjector(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    random: Random,
    failures_per_mille: u64,
    failures: u64,
}

impl FaultInjector {
    /// Creates an injector that fails with a probability of `failures_per_mille` / 1000, before and after
    /// each call.
    pub fn new(seed: u64, failures_per_mille: u64) -> FaultInjector {
        let random = Random::new(seed);
        FaultInjector(Arc::new(Mutex::new(State { random, failures_per_mille, failures: 0 })))
    }

    /// Changes the failure probability of later calls.
    pub fn set_failure_rate(&self, failures_per_mille: u64) {
        self.0.lock().unwrap().failures_per_mille = failures_per_mille;
    }

    pub fn stop_failing(&self) {
        self.set_failure_rate(0);
    }

    /// Returns the number of injected failures.
    pub fn failures(&self) -> u64 {
        self.0.lock().unwrap().failures
    }

    /// Waits for a random delay, then fails or succeeds.
    async fn inject(&self) -> Result<(), Unavailable> {
        let (wait, fails) = {
            let mut state = self.0.lock().unwrap();
            let (wait, per_mille) = (state.random.below(8), state.failures_per_mille);
            let fails = state.random.chance(per_mille);
            state.failures += u64::from(fails);
            // Three percent of the delays are long, so that other tasks overtake.
            (if state.random.chance(30) { 40 * wait } else { wait }, fails)
        };
        tokio::time::sleep(Duration::from_millis(wait)).await;
        if fails { Err(Unavailable::new("test", "injected failure")) } else { Ok(()) }
    }

    async fn call<T>(
        &self,
        call: impl Future<Output = Result<T, Unavailable>> + Send,
    ) -> Result<T, Unavailable> {
        self.inject().await?;
        let answer = call.await?;
        self.inject().await?;
        Ok(answer)
    }
}

/// Wraps a port and injects failures into its calls.
#[derive(Clone, Debug)]
pub struct FaultyPort<T> {
    inner: T,
    faults: FaultInjector,
}

impl<T> FaultyPort<T> {
    pub fn new(inner: T, faults: &FaultInjector) -> FaultyPort<T> {
        FaultyPort { inner, faults: faults.clone() }
    }
}

impl<S: EventStoreConnector> EventStoreConnector for FaultyPort<S> {
    type Store = FaultyPort<S::Store>;
    async fn open(&self) -> Result<Self::Store, Unavailable> {
        Ok(FaultyPort::new(self.faults.call(self.inner.open()).await?, &self.faults))
    }
}

impl<S: EventStore> EventStore for FaultyPort<S> {
    async fn head(&mut self, partition: PartitionId) -> Result<u64, Unavailable> {
        self.faults.call(self.inner.head(partition)).await
    }
    async fn events_after(
        &mut self,
        partition: PartitionId,
        after: u64,
        limit: usize,
    ) -> Result<Vec<EventRecord>, Unavailable> {
        self.faults.call(self.inner.events_after(partition, after, limit)).await
    }
    async fn history(&mut self, keys: &[Uuid], until: u64) -> Result<Vec<EventRecord>, Unavailable> {
        self.faults.call(self.inner.history(keys, until)).await
    }
    async fn history_since_snapshot(
        &mut self,
        keys: &[Uuid],
        until: u64,
    ) -> Result<AggregateHistory, Unavailable> {
        self.faults.call(self.inner.history_since_snapshot(keys, until)).await
    }
    async fn save_snapshot(&mut self, snapshot: &SnapshotRecord) -> Result<(), Unavailable> {
        self.faults.call(self.inner.save_snapshot(snapshot)).await
    }
    async fn outcomes(&mut self, commands: &[CommandId]) -> Result<Vec<Outcome>, Unavailable> {
        self.faults.call(self.inner.outcomes(commands)).await
    }
    async fn active_users(&mut self, users: &[UserId]) -> Result<Vec<UserId>, Unavailable> {
        self.faults.call(self.inner.active_users(users)).await
    }
    async fn deletions_after(&mut self, after: u64) -> Result<Vec<(u64, UserId)>, Unavailable> {
        self.faults.call(self.inner.deletions_after(after)).await
    }
    async fn newest_deletion(&mut self) -> Result<u64, Unavailable> {
        self.faults.call(self.inner.newest_deletion()).await
    }
    async fn open_auctions(&mut self, partition: PartitionId) -> Result<OpenAuctions, Unavailable> {
        self.faults.call(self.inner.open_auctions(partition)).await
    }
    async fn unrevealed_auctions(
        &mut self,
        partition: PartitionId,
    ) -> Result<UnrevealedAuctions, Unavailable> {
        self.faults.call(self.inner.unrevealed_auctions(partition)).await
    }
    async fn append(&mut self, batch: &AppendBatch) -> Result<AppendResult, Unavailable> {
        self.faults.call(self.inner.append(batch)).await
    }
}

impl<L: CommandStreamConnector> CommandStreamConnector for FaultyPort<L> {
    type Reader = FaultyPort<L::Reader>;
    type Settler = FaultyPort<L::Settler>;
    async fn open(&self, partition: PartitionId) -> Result<(Self::Reader, Self::Settler), Unavailable> {
        let (reader, settler) = self.faults.call(self.inner.open(partition)).await?;
        Ok((FaultyPort::new(reader, &self.faults), FaultyPort::new(settler, &self.faults)))
    }
    async fn on_interrupted(&self, partition: PartitionId) {
        self.inner.on_interrupted(partition).await;
    }
}

impl<R: CommandReader> CommandReader for FaultyPort<R> {
    async fn read(&mut self) -> Result<Batch, Unavailable> {
        self.faults.call(self.inner.read()).await
    }
    async fn wait(&mut self) -> Result<(), Unavailable> {
        self.faults.call(self.inner.wait()).await
    }
    async fn take_over(&mut self) -> Result<(), Unavailable> {
        self.faults.call(self.inner.take_over()).await
    }
    async fn leave_group(self) -> Result<(), Unavailable> {
        self.faults.call(self.inner.leave_group()).await
    }
}

impl<L: PartitionLockConnector> PartitionLockConnector for FaultyPort<L> {
    type Lock = FaultyPort<L::Lock>;
    async fn open(&self, partition: PartitionId) -> Result<Self::Lock, Unavailable> {
        Ok(FaultyPort::new(self.faults.call(self.inner.open(partition)).await?, &self.faults))
    }
}

impl<L: PartitionLock> PartitionLock for FaultyPort<L> {
    async fn take(&mut self) -> Result<bool, Unavailable> {
        self.faults.call(self.inner.take()).await
    }
    async fn release(&mut self) -> Result<(), Unavailable> {
        self.faults.call(self.inner.release()).await
    }
}

impl<S: CommandSettler> CommandSettler for FaultyPort<S> {
    async fn stream_head(&mut self) -> Result<u64, Unavailable> {
        self.faults.call(self.inner.stream_head()).await
    }
    async fn last_event(&mut self) -> Result<LastEvent, Unavailable> {
        self.faults.call(self.inner.last_event()).await
    }
    async fn publish(&mut self, after: u64, events: &[EventRecord]) -> Result<PublishResult, Unavailable> {
        self.faults.call(self.inner.publish(after, events)).await
    }
    async fn settle(&mut self, batch: &Settlement) -> Result<PublishResult, Unavailable> {
        self.faults.call(self.inner.settle(batch)).await
    }
}

#[async_trait]
impl<Q: CommandQueue> CommandQueue for FaultyPort<Q> {
    async fn submit(&self, command: Command) -> Result<(), Unavailable> {
        self.faults.call(self.inner.submit(command)).await
    }
    async fn now(&self) -> Result<Timestamp, Unavailable> {
        self.faults.call(self.inner.now()).await
    }
}

impl<D: UserDeletions> UserDeletions for FaultyPort<D> {
    async fn unfinished(&self, limit: usize) -> Result<Vec<PendingDeletion>, Unavailable> {
        self.faults.call(self.inner.unfinished(limit)).await
    }
    async fn open_interests(&self, users: &[UserId]) -> Result<Vec<(UserId, OpenInterest)>, Unavailable> {
        self.faults.call(self.inner.open_interests(users)).await
    }
    async fn record_sent(&self, sent: &[PendingDeletion]) -> Result<(), Unavailable> {
        self.faults.call(self.inner.record_sent(sent)).await
    }
    async fn mark_finished(&self, deletions: &[u64]) -> Result<(), Unavailable> {
        self.faults.call(self.inner.mark_finished(deletions)).await
    }
}

impl<E: PersonalDataErasure> PersonalDataErasure for FaultyPort<E> {
    async fn erase(&self, users: &[UserId]) -> Result<Vec<UserId>, Unavailable> {
        self.faults.call(self.inner.erase(users)).await
    }
}

impl<F: EventStreamConnector> EventStreamConnector for FaultyPort<F> {
    type Stream = FaultyPort<F::Stream>;
    async fn open(
        &self,
        component: &'static str,
        partition: PartitionId,
    ) -> Result<Self::Stream, Unavailable> {
        Ok(FaultyPort::new(self.faults.call(self.inner.open(component, partition)).await?, &self.faults))
    }
}

impl<F: EventStream> EventStream for FaultyPort<F> {
    async fn read(&mut self) -> Result<Vec<EventRecord>, Unavailable> {
        self.faults.call(self.inner.read()).await
    }
    fn last_event_at_open(&self) -> Option<&EventRecord> {
        self.inner.last_event_at_open()
    }

    async fn leave_group(self) -> Result<(), Unavailable> {
        self.faults.call(self.inner.leave_group()).await
    }
}

impl<V: ReadModelConnector> ReadModelConnector for FaultyPort<V> {
    type Store = FaultyPort<V::Store>;
    async fn open(&self, partition: PartitionId) -> Result<Self::Store, Unavailable> {
        Ok(FaultyPort::new(self.faults.call(self.inner.open(partition)).await?, &self.faults))
    }
}

impl<V: ReadModelWriter> ReadModelWriter for FaultyPort<V> {
    async fn checkpoint(&mut self) -> Result<u64, Unavailable> {
        self.faults.call(self.inner.checkpoint()).await
    }
    async fn commit(
        &mut self,
        from: u64,
        to: u64,
        writes: &[ReadModelWrite],
    ) -> Result<ReadModelCommit, Unavailable> {
        self.faults.call(self.inner.commit(from, to, writes)).await
    }
}

impl<N: NotificationStoreConnector> NotificationStoreConnector for FaultyPort<N> {
    type Store = FaultyPort<N::Store>;
    async fn open(&self) -> Result<Self::Store, Unavailable> {
        Ok(FaultyPort::new(self.faults.call(self.inner.open()).await?, &self.faults))
    }
}

impl<N: NotificationStore> NotificationStore for FaultyPort<N> {
    async fn checkpoint(&mut self, partition: PartitionId) -> Result<u64, Unavailable> {
        self.faults.call(self.inner.checkpoint(partition)).await
    }
    async fn commit(&mut self, batch: &NotificationBatch) -> Result<NotificationCommit, Unavailable> {
        self.faults.call(self.inner.commit(batch)).await
    }
}

impl<D: NotificationSink> NotificationSink for FaultyPort<D> {
    async fn begin(&self) -> Result<(), Unavailable> {
        self.faults.call(self.inner.begin()).await
    }
    async fn deliver(&self, notifications: &[NewNotification]) -> Result<(), Unavailable> {
        self.faults.call(self.inner.deliver(notifications)).await
    }
}
