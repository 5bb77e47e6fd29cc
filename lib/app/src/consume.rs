//! Event consumers: each handles the events of one partition once, in order, without gaps.
//!
//! Events are read from the event stream. Events that are missing there, because they were trimmed, lost or
//! not published yet, are read from the event store.

pub mod auction_projection;
mod state;
pub mod stored_events;
pub(crate) mod stream_divergence;

use crate::instrumentation;
use crate::interruption;
use crate::ports::events::event_store::{EventStore, EventStoreConnector};
use crate::ports::events::event_stream::{EventStream, EventStreamConnector};
use crate::ports::operator::parked_events::ParkedEvents;
use auction_wire::{EventRecord, PartitionId};
use state::ConsumerState;
use std::future::Future;
use std::time::Duration;
use stored_events::LoadError;
use thiserror::Error;
use worker_runtime::Supervisor;

/// Handling of one partition's events by one component.
pub trait EventHandler: Send {
    /// Returns the position up to which every event is handled, and resets the state in memory to that
    /// position.
    ///
    /// Called at the start and after every error.
    fn load_checkpoint(
        &mut self,
        store: &mut impl EventStore,
    ) -> impl Future<Output = Result<u64, LoadError>> + Send;

    /// Handles the next events in order, and advances the checkpoint to the position `until`.
    ///
    /// Events up to `until` that are not in `events` are parked or irrelevant. If `until` is the current
    /// checkpoint, `events` are older events that were parked: all events of one user or auction, from the
    /// first one that is not handled.
    fn handle(
        &mut self,
        store: &mut impl EventStore,
        events: &[EventRecord],
        until: u64,
    ) -> impl Future<Output = Result<HandleResult, LoadError>> + Send;

    /// Returns how long to wait before each read of the stream, so that more events arrive in one batch.
    fn linger(&self) -> Duration {
        Duration::ZERO
    }
}

/// Result of handling a batch of events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HandleResult {
    /// The batch is handled and the checkpoint is stored.
    Done,
    /// Another process handled events of this partition: load the checkpoint again.
    Conflict,
    /// One of the events fails for this reason, and will fail again. The consumer finds and parks it,
    /// together with its user or auction. Unreadable events and panics are treated in the same way.
    Failed(String),
}

/// Reasons a consumer gives up. Its process ends; no event is lost.
#[derive(Debug, Error)]
pub enum ConsumeError {
    /// The data that the handler starts from cannot be decoded.
    #[error(transparent)]
    Load(LoadError),
    /// The handler fails even on an empty batch, so that no event can be parked.
    #[error("{component}, partition {partition}: handling an empty batch failed: {error}")]
    Broken { component: &'static str, partition: PartitionId, error: String },
    /// The checkpoint is ahead of the event store.
    #[error(
        "{component}, partition {partition}: the checkpoint {position} is ahead of the event store, \
         whose head is {head}"
    )]
    AheadOfStore { component: &'static str, partition: PartitionId, position: u64, head: u64 },
    /// The event stream and the event store hold different histories.
    #[error(
        "{component}, partition {partition}: the event stream does not match the event store: {difference}"
    )]
    StreamDiverged { component: &'static str, partition: PartitionId, difference: String },
}

/// Fails if the newest event of the stream is not in the store: a handler must not handle such events.
async fn check_same_history(
    store: &mut impl EventStore,
    last: Option<EventRecord>,
    component: &'static str,
    partition: PartitionId,
) -> Result<(), Interruption> {
    let Some(last) = last else { return Ok(()) };
    match stream_divergence::find_divergence(store, partition, &last).await? {
        None => Ok(()),
        Some(difference) => {
            Err(Interruption::Fatal(ConsumeError::StreamDiverged { component, partition, difference }))
        }
    }
}

/// Reasons a consumer starts again from the checkpoint.
type Interruption = interruption::Interruption<ConsumeError>;

impl From<LoadError> for Interruption {
    fn from(error: LoadError) -> Interruption {
        match error {
            LoadError::Unavailable(error) => Interruption::Unavailable(error),
            error @ LoadError::Unreadable { .. } => Interruption::Fatal(ConsumeError::Load(error)),
        }
    }
}

/// Configuration of one consumer.
pub struct SubscriptionConfig {
    /// The name of the component, which is also the name of its consumer group.
    pub component: &'static str,
    pub partition: PartitionId,
    pub supervisor: Supervisor,
}

/// Passes the events of one partition to a handler until shutdown.
///
/// While a backend is unavailable the consumer retries forever. An event that cannot be handled is parked,
/// together with its user or auction.
pub async fn run_consumer(
    stores: &impl EventStoreConnector,
    streams: &impl EventStreamConnector,
    parking: &impl ParkedEvents,
    subscription: SubscriptionConfig,
    mut handler: impl EventHandler,
) -> Result<(), ConsumeError> {
    let SubscriptionConfig { component, partition, ref supervisor } = subscription;
    let _active = instrumentation::partition_active(component, partition);
    let mut state = ConsumerState::new(parking, component, partition, supervisor);
    while !supervisor.stopping() {
        match run_until_interrupted(stores, streams, &subscription, &mut state, &mut handler).await {
            Ok(()) => break,
            Err(interruption) => interruption.recover(component, partition, supervisor).await?,
        }
    }
    Ok(())
}

async fn run_until_interrupted(
    stores: &impl EventStoreConnector,
    streams: &impl EventStreamConnector,
    SubscriptionConfig { component, partition, supervisor }: &SubscriptionConfig,
    state: &mut ConsumerState<'_, impl ParkedEvents>,
    handler: &mut impl EventHandler,
) -> Result<(), Interruption> {
    let (component, partition, stop) = (*component, *partition, &supervisor.stop());
    let mut store = stores.open().await?;
    let mut stream = streams.open(component, partition).await?;
    let position = handler.load_checkpoint(&mut store).await?;
    let head = store.head(partition).await?;
    if position > head {
        return Err(Interruption::Fatal(ConsumeError::AheadOfStore { component, partition, position, head }));
    }
    let last = stream.last_event_at_open().cloned();
    check_same_history(&mut store, last, component, partition).await?;
    state.begin(position, handler, &mut store).await?;
    while !stop.requested() {
        state.apply_operator_actions(handler, &mut store).await?;
        supervisor.sleep(handler.linger()).await;
        let delivered = stream.read().await?;
        let Some(newest) = delivered.last().map(|event| event.position) else {
            // The stream is idle: handle events of the store that never arrived on the stream.
            let head = store.head(partition).await?;
            state.catch_up(handler, &mut store, head, stop).await?;
            supervisor.succeeded();
            continue;
        };
        if let Some(first) = delivered.iter().find(|event| event.position > state.position)
            && first.position > state.position + 1
        {
            let (from, to) = (state.position + 1, first.position - 1);
            instrumentation::event_gap(component, partition, to + 1 - from);
            instrumentation::recovery("event_gap");
            tracing::warn!(component, %partition, from, to,
                "event stream has a gap, reading it from the store");
            state.catch_up(handler, &mut store, to, stop).await?;
        }
        let new = &delivered[delivered.partition_point(|event| event.position <= state.position)..];
        if is_gap_free(state.position, new) {
            state.handle(handler, &mut store, new).await?;
        } else {
            state.catch_up(handler, &mut store, newest, stop).await?;
        }
        if state.position < newest {
            break; // Shutdown was requested during the catch-up. The next consumer reads the rest.
        }
        instrumentation::events_handled(component, partition, new.len());
        supervisor.succeeded();
    }
    Ok(stream.leave_group().await?)
}

fn is_gap_free(position: u64, events: &[EventRecord]) -> bool {
    events.iter().zip(position + 1..).all(|(event, expected)| event.position == expected)
}
