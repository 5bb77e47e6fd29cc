//! Position of a consumer and the events it has parked.
//!
//! When a batch fails, the consumer starts again with half of it, until the failing event is alone. That
//! event is parked with its user or auction: later events of the same user or auction wait in the store, and
//! all other events are handled.

use super::{ConsumeError, EventHandler, HandleResult, Interruption};
use crate::consume::stored_events::LoadError;
use crate::instrumentation;
use crate::ports::events::event_store::EventStore;
use crate::ports::operator::parked_events::{
    OperatorAction, ParkReason, ParkedAggregate, ParkedEvent, ParkedEvents,
};
use auction_wire::{EventRecord, PartitionId};
use futures_util::FutureExt;
use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::panic::AssertUnwindSafe;
use std::time::Duration;
use tokio::time::Instant;
use uuid::Uuid;
use worker_runtime::shutdown::ShutdownSignal;
use worker_runtime::{Supervisor, panic_message};

/// Interval at which requests of operators are read.
const POLL_INTERVAL: Duration = Duration::from_secs(1);

/// Number of events read from the store at a time.
const FETCH: usize = 500;

/// Permanent failure of a batch.
struct BatchFailure {
    reason: ParkReason,
    error: String,
    /// The key and version of the failing event, if they are known.
    event: Option<(Uuid, u64)>,
}

/// State of one consumer that outlives its connections.
pub(super) struct ConsumerState<'a, P> {
    parking: &'a P,
    supervisor: &'a Supervisor,
    pub(super) component: &'static str,
    pub(super) partition: PartitionId,
    /// Every event up to this position is handled or parked.
    pub(super) position: u64,
    /// The highest position ever reached by this process.
    high_water_mark: u64,
    /// Maximum number of events per batch. Halved after a failure, doubled after a success.
    limit: usize,
    /// The position of the first parked event of each user and auction.
    parked: HashMap<Uuid, u64>,
    /// Parked events that this process has retried by itself.
    retried: HashSet<(Uuid, u64)>,
    next_poll: Instant,
}

/// Returns whether this program can read all events of a user or auction.
async fn is_readable(store: &mut impl EventStore, key: Uuid, until: u64) -> Result<bool, Interruption> {
    Ok(store.history(&[key], until).await?.iter().all(|event| event.event().is_ok()))
}

impl<'a, P: ParkedEvents> ConsumerState<'a, P> {
    pub(super) fn new(
        parking: &'a P,
        component: &'static str,
        partition: PartitionId,
        supervisor: &'a Supervisor,
    ) -> ConsumerState<'a, P> {
        ConsumerState {
            parking,
            supervisor,
            component,
            partition,
            position: 0,
            high_water_mark: 0,
            limit: usize::MAX,
            parked: HashMap::new(),
            retried: HashSet::new(),
            next_poll: Instant::now(),
        }
    }

    /// Continues at the checkpoint of the handler. Resumes events that an earlier version has parked because it
    /// could not read them, if this program can.
    pub(super) async fn begin(
        &mut self,
        position: u64,
        handler: &mut impl EventHandler,
        store: &mut impl EventStore,
    ) -> Result<(), Interruption> {
        let ConsumerState { component, partition, high_water_mark, .. } = *self;
        if position < high_water_mark {
            instrumentation::recovery("state_lost");
            tracing::warn!(component, %partition, from = position, to = high_water_mark,
                "results of these events were lost, handling the events again");
        }
        (self.position, self.high_water_mark) = (position, high_water_mark.max(position));
        for parked in self.load_parked().await? {
            let event = parked.event;
            if event.reason == ParkReason::Unreadable
                && self.retried.insert((event.key, event.position))
                && is_readable(store, event.key, self.position.max(event.position)).await?
            {
                self.resume_parked(event, OperatorAction::Retry, handler, store).await?;
            }
        }
        Ok(())
    }

    async fn load_parked(&mut self) -> Result<Vec<ParkedAggregate>, Interruption> {
        let all = self.parking.of(self.component, self.partition).await?;
        self.parked = all.iter().map(|parked| (parked.event.key, parked.event.position)).collect();
        instrumentation::parked_aggregates(self.component, self.partition, self.parked.len());
        self.next_poll = Instant::now() + POLL_INTERVAL;
        Ok(all)
    }

    /// Retries or drops the parked events for which an operator requested it.
    pub(super) async fn apply_operator_actions(
        &mut self,
        handler: &mut impl EventHandler,
        store: &mut impl EventStore,
    ) -> Result<(), Interruption> {
        if Instant::now() < self.next_poll {
            return Ok(());
        }
        for parked in self.load_parked().await? {
            if let Some(action) = parked.requested_action {
                self.resume_parked(parked.event, action, handler, store).await?;
            }
        }
        Ok(())
    }

    /// Handles the waiting events of a parked user or auction, and the parked event itself unless it is
    /// dropped.
    async fn resume_parked(
        &mut self,
        event: ParkedEvent,
        action: OperatorAction,
        handler: &mut impl EventHandler,
        store: &mut impl EventStore,
    ) -> Result<(), Interruption> {
        let (component, partition, key) = (self.component, self.partition, event.key);
        let first = event.position + u64::from(action == OperatorAction::Drop);
        let mut waiting = store.history(&[key], self.position).await?;
        waiting.retain(|event| event.position >= first);
        if !waiting.is_empty()
            && let Some(failure) = self.attempt(handler, store, &waiting, self.position).await?
        {
            tracing::warn!(component, %partition, %key, error = failure.error,
                "retry of parked events failed");
            let event = ParkedEvent { reason: failure.reason, error: failure.error, ..event };
            self.parking.park(component, partition, &event).await?;
            return Err(Interruption::EventFailed);
        }
        self.parking.unpark(component, key, event.position).await?;
        self.parked.remove(&key);
        instrumentation::parked_aggregates(component, partition, self.parked.len());
        tracing::info!(component, %partition, %key, events = waiting.len(), "parked events resumed");
        Ok(())
    }

    /// Handles events that follow the position without a gap. Fails if one of them fails, which is then
    /// parked or searched for.
    pub(super) async fn handle(
        &mut self,
        handler: &mut impl EventHandler,
        store: &mut impl EventStore,
        events: &[EventRecord],
    ) -> Result<(), Interruption> {
        let mut rest = events;
        while !rest.is_empty() {
            let (now, later) = rest.split_at(self.limit.min(rest.len()));
            rest = later;
            let until = now.last().map_or(self.position, |event| event.position);
            let batch = self.without_parked(now);
            if let Some(failure) = self.attempt(handler, store, &batch, until).await? {
                return Err(self.park_or_bisect(&batch, failure).await);
            }
            self.position = until;
            self.high_water_mark = self.high_water_mark.max(until);
            self.limit = self.limit.saturating_mul(2);
            self.supervisor.progressed();
        }
        Ok(())
    }

    /// Handles the events of the store up to `until`, or until shutdown.
    pub(super) async fn catch_up(
        &mut self,
        handler: &mut impl EventHandler,
        store: &mut impl EventStore,
        until: u64,
        stop: &ShutdownSignal,
    ) -> Result<(), Interruption> {
        while self.position < until && !stop.requested() {
            let events = store.events_after(self.partition, self.position, FETCH).await?;
            if events.is_empty() {
                break;
            }
            self.handle(handler, store, &events).await?;
        }
        Ok(())
    }

    fn without_parked<'e>(&self, events: &'e [EventRecord]) -> Cow<'e, [EventRecord]> {
        let waits = |event: &EventRecord| self.parked.get(&event.key).is_some_and(|at| event.position >= *at);
        if self.parked.is_empty() || !events.iter().any(waits) {
            return Cow::Borrowed(events);
        }
        Cow::Owned(events.iter().filter(|event| !waits(event)).cloned().collect())
    }

    /// Handles a batch. Returns the failure if a retry cannot succeed.
    async fn attempt(
        &self,
        handler: &mut impl EventHandler,
        store: &mut impl EventStore,
        events: &[EventRecord],
        until: u64,
    ) -> Result<Option<BatchFailure>, Interruption> {
        // The handler may be inconsistent after a panic. It reloads its state before the next batch.
        let handled = AssertUnwindSafe(handler.handle(store, events, until)).catch_unwind().await;
        Ok(Some(match handled {
            Ok(Ok(HandleResult::Done)) => return Ok(None),
            Ok(Ok(HandleResult::Conflict)) => {
                return Err(Interruption::Conflict("checkpoint_moved"));
            }
            Ok(Ok(HandleResult::Failed(error))) => {
                BatchFailure { reason: ParkReason::Refused, error, event: None }
            }
            Ok(Err(LoadError::Unavailable(error))) => return Err(error.into()),
            Ok(Err(error @ LoadError::Unreadable { key, version, .. })) => BatchFailure {
                reason: ParkReason::Unreadable,
                error: error.to_string(),
                event: Some((key, version)),
            },
            Err(panic) => {
                BatchFailure { reason: ParkReason::Panicked, error: panic_message(&*panic), event: None }
            }
        }))
    }

    /// Parks the failing event, or halves the next batch to find it.
    async fn park_or_bisect(&mut self, batch: &[EventRecord], failure: BatchFailure) -> Interruption {
        // The unreadable event may be older than the batch: then no event of its user or auction can be
        // handled, and the first of them in the batch is parked.
        let identified = failure.event.and_then(|(key, version)| {
            batch.iter().find(|event| event.key == key && event.version >= version)
        });
        let (component, partition) = (self.component, self.partition);
        let failing = match (identified, batch) {
            (Some(event), _) | (None, [event]) => event,
            (None, []) => {
                return Interruption::Fatal(ConsumeError::Broken {
                    component,
                    partition,
                    error: failure.error,
                });
            }
            (None, _) => {
                tracing::warn!(component, %partition, events = batch.len(), error = failure.error,
                    "batch failed, searching for the failing event in smaller batches");
                self.limit = batch.len() / 2;
                return Interruption::EventFailed;
            }
        };
        let event = ParkedEvent::new(failing, failure.reason, failure.error);
        if let Err(error) = self.parking.park(component, partition, &event).await {
            return error.into();
        }
        instrumentation::event_parked(component, partition, event.reason.name());
        let ParkedEvent { key, position, kind, reason, error, .. } = &event;
        tracing::error!(component, %partition, %key, position, kind, reason = reason.name(), error,
            "event parked, later events of its user or auction wait until an operator acts");
        self.limit = usize::MAX;
        Interruption::EventFailed
    }
}
