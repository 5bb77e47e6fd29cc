//! How far a follower is, and what it has parked on its way.
//!
//! When a batch cannot be handled, following begins again with half of it, until the event that is to
//! blame is alone. That one is parked with its auction: whatever else happens to the auction waits in the
//! store, and all others go on.

use super::{ConsumeError, EventHandler, HandleResult, Interruption};
use crate::instrumentation;
use crate::ports::events::event_store::EventStore;
use crate::ports::operator::parked_events::{
    OperatorAction, ParkReason, ParkedAggregate, ParkedEvent, ParkedEvents,
};
use crate::writer::aggregate_cache::LoadError;
use crate::writer::dead_letter::panic_failure;
use auction_wire::{EventRecord, PartitionId};
use futures_util::FutureExt;
use std::borrow::Cow;
use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::time::Duration;
use tokio::time::Instant;
use uuid::Uuid;
use worker_runtime::shutdown::ShutdownSignal;

/// How often it is looked whether operators have asked for something.
const LOOK: Duration = Duration::from_secs(1);

/// How many events are fetched from the store in one go.
const FETCH: usize = 500;

/// Why a batch was not handled.
struct Refusal {
    reason: ParkReason,
    error: String,
    /// Which event of which user or auction, if that is known.
    of: Option<(Uuid, u64)>,
}

/// The course of one follower. What it has learned outlives its connections.
pub(super) struct ConsumerState<'a, P> {
    parking: &'a P,
    pub(super) component: &'static str,
    pub(super) partition: PartitionId,
    /// Everything up to there is handled or parked.
    pub(super) position: u64,
    /// The furthest it ever was.
    high_water_mark: u64,
    /// At most so many events at a time: fewer after a failure.
    limit: usize,
    /// The first parked position of each user and auction.
    parked: HashMap<Uuid, u64>,
    next_poll: Instant,
}

impl<'a, P: ParkedEvents> ConsumerState<'a, P> {
    pub(super) fn new(
        parking: &'a P,
        component: &'static str,
        partition: PartitionId,
    ) -> ConsumerState<'a, P> {
        ConsumerState {
            parking,
            component,
            partition,
            position: 0,
            high_water_mark: 0,
            limit: usize::MAX,
            parked: HashMap::new(),
            next_poll: Instant::now(),
        }
    }

    /// It begins at that position.
    pub(super) async fn begin(&mut self, position: u64) -> Result<(), Interruption> {
        let ConsumerState { component, partition, high_water_mark: furthest, .. } = *self;
        if position < furthest {
            instrumentation::recovery("made_anew");
            tracing::warn!(component, %partition, from = position, to = furthest,
                "what was made of these events is gone: making it anew");
        }
        (self.position, self.high_water_mark) = (position, furthest.max(position));
        self.look().await.map(drop)
    }

    /// What is parked, as it is stored.
    async fn look(&mut self) -> Result<Vec<ParkedAggregate>, Interruption> {
        let all = self.parking.of(self.component, self.partition).await?;
        self.parked = all.iter().map(|parked| (parked.event.key, parked.event.position)).collect();
        instrumentation::parked(self.component, self.partition, self.parked.len());
        self.next_poll = Instant::now() + LOOK;
        Ok(all)
    }

    /// Does what operators have asked for since the last look.
    pub(super) async fn apply_operator_actions(
        &mut self,
        follower: &mut impl EventHandler,
        store: &mut impl EventStore,
    ) -> Result<(), Interruption> {
        if Instant::now() < self.next_poll {
            return Ok(());
        }
        for parked in self.look().await? {
            match parked.asked {
                Some(asked) => self.resume_parked(parked.event, asked, follower, store).await?,
                None => continue,
            }
        }
        Ok(())
    }

    /// Handles what waits behind a parked event, and the event itself unless it is given up.
    async fn resume_parked(
        &mut self,
        event: ParkedEvent,
        asked: OperatorAction,
        follower: &mut impl EventHandler,
        store: &mut impl EventStore,
    ) -> Result<(), Interruption> {
        let (component, partition, key) = (self.component, self.partition, event.key);
        let first = event.position + u64::from(asked == OperatorAction::Drop);
        let mut waiting = store.history(&[key], self.position).await?;
        waiting.retain(|event| event.position >= first);
        if !waiting.is_empty()
            && let Some(refusal) = self.attempt(follower, store, &waiting, self.position).await?
        {
            tracing::warn!(component, %partition, %key, error = refusal.error, "it stays parked");
            let event = ParkedEvent { reason: refusal.reason, error: refusal.error, ..event };
            self.parking.park(component, partition, &event).await?;
            return Err(Interruption::Parked);
        }
        self.parking.unpark(component, key, event.position).await?;
        self.parked.remove(&key);
        instrumentation::parked(component, partition, self.parked.len());
        tracing::info!(component, %partition, %key, events = waiting.len(), "it is parked no more");
        Ok(())
    }

    /// Handles events that follow the position without a hole, or parks one and says so.
    pub(super) async fn handle(
        &mut self,
        follower: &mut impl EventHandler,
        store: &mut impl EventStore,
        events: &[EventRecord],
    ) -> Result<(), Interruption> {
        let mut rest = events;
        while !rest.is_empty() {
            let (now, later) = rest.split_at(self.limit.min(rest.len()));
            rest = later;
            let until = now.last().map_or(self.position, |event| event.position);
            let wanted = self.without_parked(now);
            if let Some(refusal) = self.attempt(follower, store, &wanted, until).await? {
                return Err(self.narrow_down(&wanted, refusal).await);
            }
            self.position = until;
            self.high_water_mark = self.high_water_mark.max(until);
            self.limit = self.limit.saturating_mul(2);
        }
        Ok(())
    }

    /// Handles what the store has up to `until`, unless it is time to stop.
    pub(super) async fn catch_up(
        &mut self,
        follower: &mut impl EventHandler,
        store: &mut impl EventStore,
        until: u64,
        stop: &ShutdownSignal,
    ) -> Result<(), Interruption> {
        while self.position < until && !stop.requested() {
            let events = store.events_after(self.partition, self.position, FETCH).await?;
            if events.is_empty() {
                break;
            }
            self.handle(follower, store, &events).await?;
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

    /// Why the events were not handled, if that is for good.
    async fn attempt(
        &self,
        follower: &mut impl EventHandler,
        store: &mut impl EventStore,
        events: &[EventRecord],
        until: u64,
    ) -> Result<Option<Refusal>, Interruption> {
        // Whatever a panic leaves half done is forgotten: the follower starts again.
        let handled = AssertUnwindSafe(follower.handle(store, events, until)).catch_unwind().await;
        Ok(Some(match handled {
            Ok(Ok(HandleResult::Done)) => return Ok(None),
            Ok(Ok(HandleResult::Conflict)) => return Err(Interruption::Overtaken),
            Ok(Ok(HandleResult::Failed(error))) => Refusal { reason: ParkReason::Refused, error, of: None },
            Ok(Err(LoadError::Unavailable(error))) => return Err(error.into()),
            Ok(Err(error @ LoadError::Unreadable { key, version, .. })) => {
                Refusal { reason: ParkReason::Unreadable, error: error.to_string(), of: Some((key, version)) }
            }
            Err(panic) => {
                Refusal { reason: ParkReason::Panicked, error: panic_failure(&panic).error, of: None }
            }
        }))
    }

    /// Parks the event that is to blame, or halves the next batch to find it.
    async fn narrow_down(&mut self, tried: &[EventRecord], refusal: Refusal) -> Interruption {
        // If the unreadable one is not among them it is older, and none of its auction's can be handled.
        let named = refusal.of.and_then(|(key, version)| {
            tried.iter().find(|event| event.key == key && event.version >= version)
        });
        let (component, partition) = (self.component, self.partition);
        let blamed = match (named, tried) {
            (Some(event), _) | (None, [event]) => event,
            (None, []) => {
                return Interruption::Fatal(ConsumeError::Broken {
                    component: component,
                    partition,
                    error: refusal.error,
                });
            }
            (None, _) => {
                tracing::warn!(component, %partition, events = tried.len(), error = refusal.error,
                    "cannot handle one of these: looking for it");
                self.limit = tried.len() / 2;
                return Interruption::Parked;
            }
        };
        let event = ParkedEvent::new(blamed, refusal.reason, refusal.error);
        if let Err(error) = self.parking.park(component, partition, &event).await {
            return error.into();
        }
        instrumentation::event_parked(component, partition, event.reason.name());
        let ParkedEvent { key, position, kind, reason, error, .. } = &event;
        tracing::error!(component, %partition, %key, position, kind, reason = reason.name(), error,
            "parked, with what follows for it: see `portal parked`");
        self.limit = usize::MAX;
        Interruption::Parked
    }
}
