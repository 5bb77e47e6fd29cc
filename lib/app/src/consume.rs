//! Following a partition's events: each once, in order, without a hole.
//!
//! The stream is the fast way, the store the sure one: an event that is missing on the stream, because
//! it was trimmed, flushed or not published yet, is fetched from the store.

pub mod auction_projection;
mod state;
pub(crate) mod stream_divergence;

use crate::instrumentation;
use crate::ports::Unavailable;
use crate::ports::events::event_store::{EventStore, EventStoreConnector};
use crate::ports::events::event_stream::{EventStream, EventStreamConnector};
use crate::ports::operator::parked_events::ParkedEvents;
use crate::writer::aggregate_cache::LoadError;
use auction_wire::{EventRecord, PartitionId};
use state::ConsumerState;
use std::future::Future;
use std::time::Duration;
use thiserror::Error;
use worker_runtime::Retry;
use worker_runtime::health::HealthHandle;
use worker_runtime::shutdown::ShutdownSignal;

/// What a component does with the events of one partition.
pub trait EventHandler: Send {
    /// The position up to which everything has been handled. Called at the start and after every error;
    /// whatever is in memory must be what it is at that position.
    fn load_checkpoint(
        &mut self,
        store: &mut impl EventStore,
    ) -> impl Future<Output = Result<u64, LoadError>> + Send;

    /// Handles events that follow the last one handled, in order, and with them everything up to the
    /// position `until`: what lies between is parked or of no concern.
    ///
    /// If `until` is the position already reached, the events are older ones that were parked: all of one
    /// user or auction from the first that was not handled.
    fn handle(
        &mut self,
        store: &mut impl EventStore,
        events: &[EventRecord],
        until: u64,
    ) -> impl Future<Output = Result<HandleResult, LoadError>> + Send;

    /// How long events shall gather on the stream before the next are read.
    fn linger(&self) -> Duration {
        Duration::ZERO
    }
}

/// What became of a batch of events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HandleResult {
    /// It will not be needed again.
    Done,
    /// Somebody else handled events of this partition: begin again from what is there now.
    Conflict,
    /// One of them cannot be handled, for this reason, and not the next time either. It is looked for, and
    /// parked with its user or auction. Unreadable events and panics count as this, too.
    Failed(String),
}

/// Why a follower gives up. Its process ends; nothing is lost.
#[derive(Debug, Error)]
pub enum ConsumeError {
    /// What it would start from cannot be read by this program.
    #[error(transparent)]
    Load(LoadError),
    /// It cannot even handle nothing.
    #[error("{component} of partition {partition} cannot go on: {error}")]
    Broken {
        /// Who.
        component: &'static str,
        /// Where.
        partition: PartitionId,
        /// Why.
        error: String,
    },
    /// What it has handled is not in the store.
    #[error(
        "{component} of partition {partition}: what it made ends at {position}, the database at {head}. Either \
         the database was restored from an older backup or REDIS_URL points at the views of another one. If \
         the database is right, stop everything, delete the keys ap:{{{partition}}}:evt and \
         ap:{{{partition}}}:view:* and start again: they are made anew"
    )]
    AheadOfStore {
        /// Who.
        component: &'static str,
        /// Where.
        partition: PartitionId,
        /// What it has handled.
        position: u64,
        /// What is stored.
        head: u64,
    },
    /// The event stream has a history that the store does not have.
    #[error(
        "{component} of partition {partition}: the event stream does not belong to this database: {what}. Either \
         the database was restored from an older backup or REDIS_URL points at the streams of another one. If \
         the database is right, stop everything, delete the keys ap:{{{partition}}}:evt and \
         ap:{{{partition}}}:view:* and start again: they are made anew"
    )]
    StreamDiverged {
        /// Who.
        component: &'static str,
        /// Where.
        partition: PartitionId,
        /// How that shows.
        what: String,
    },
}

/// Nothing is made of events that are not in the store.
async fn check_same_history(
    store: &mut impl EventStore,
    last: Option<EventRecord>,
    component: &'static str,
    partition: PartitionId,
) -> Result<(), Interruption> {
    let Some(last) = last else { return Ok(()) };
    match stream_divergence::find_divergence(store, partition, &last).await? {
        None => Ok(()),
        Some(what) => Err(Interruption::Fatal(ConsumeError::StreamDiverged { component, partition, what })),
    }
}

/// Why following begins again.
enum Interruption {
    Unavailable(Unavailable),
    Overtaken,
    /// Something could not be handled, and was parked or is looked for.
    Parked,
    Fatal(ConsumeError),
}

impl From<Unavailable> for Interruption {
    fn from(error: Unavailable) -> Interruption {
        Interruption::Unavailable(error)
    }
}

impl From<LoadError> for Interruption {
    fn from(error: LoadError) -> Interruption {
        match error {
            LoadError::Unavailable(error) => Interruption::Unavailable(error),
            error @ LoadError::Unreadable { .. } => Interruption::Fatal(ConsumeError::Load(error)),
        }
    }
}

/// Who follows which events.
pub struct SubscriptionConfig {
    /// The component: the name of its consumer group.
    pub component: &'static str,
    /// Whose events.
    pub partition: PartitionId,
    /// Where it says how it is.
    pub health: HealthHandle,
    /// When to stop.
    pub stop: ShutdownSignal,
}

/// Follows one partition for a component until it is time to stop. Servers that are away are waited for
/// without end; an event that cannot be handled is parked, with its user or auction.
pub async fn run_consumer(
    stores: &impl EventStoreConnector,
    feeds: &impl EventStreamConnector,
    parking: &impl ParkedEvents,
    mut subscription: SubscriptionConfig,
    mut follower: impl EventHandler,
) -> Result<(), ConsumeError> {
    let mut retry = Retry::default();
    let SubscriptionConfig { component, partition, .. } = subscription;
    let _held = instrumentation::partition_active(component, partition);
    let mut course = ConsumerState::new(parking, component, partition);
    while !subscription.stop.requested() {
        match run_until_interrupted(stores, feeds, &subscription, &mut course, &mut follower, &mut retry)
            .await
        {
            Ok(()) => break,
            Err(Interruption::Fatal(error)) => return Err(error),
            Err(Interruption::Parked) => {}
            Err(Interruption::Overtaken) => {
                instrumentation::conflict(component, partition, "another process handles this partition");
                tracing::warn!(component, %partition, "another process handles this partition too: beginning again");
                subscription.stop.sleep(retry.next_wait()).await;
            }
            Err(Interruption::Unavailable(error)) => {
                let wait = retry.next_wait();
                instrumentation::retry(component, partition, error.backend);
                subscription.health.set_waiting(&error, retry.attempts());
                tracing::warn!(component, %partition, %error, attempt = retry.attempts(), ?wait, "waiting, then beginning again");
                subscription.stop.sleep(wait).await;
            }
        }
    }
    Ok(())
}

async fn run_until_interrupted(
    stores: &impl EventStoreConnector,
    feeds: &impl EventStreamConnector,
    SubscriptionConfig { component, partition, health, stop }: &SubscriptionConfig,
    course: &mut ConsumerState<'_, impl ParkedEvents>,
    follower: &mut impl EventHandler,
    retry: &mut Retry,
) -> Result<(), Interruption> {
    let (component, partition) = (*component, *partition);
    let mut store = stores.open().await?;
    let mut feed = feeds.open(component, partition).await?;
    let position = follower.load_checkpoint(&mut store).await?;
    let head = store.head(partition).await?;
    if position > head {
        return Err(Interruption::Fatal(ConsumeError::AheadOfStore { component, partition, position, head }));
    }
    let last = feed.last_event_at_open().cloned();
    check_same_history(&mut store, last, component, partition).await?;
    course.begin(position).await?;
    while !stop.requested() {
        course.apply_operator_actions(follower, &mut store).await?;
        stop.clone().sleep(follower.linger()).await;
        let delivered = feed.read().await?;
        let Some(newest) = delivered.last().map(|event| event.position) else {
            // Nothing on the stream: is there anything in the store that should have been there?
            let head = store.head(partition).await?;
            course.catch_up(follower, &mut store, head, stop).await?;
            retry.succeeded();
            health.set_up();
            continue;
        };
        if let Some(first) = delivered.iter().find(|event| event.position > course.position)
            && first.position > course.position + 1
        {
            let (from, to) = (course.position + 1, first.position - 1);
            instrumentation::event_gap(component, partition, to + 1 - from);
            instrumentation::recovery("hole");
            tracing::warn!(component, %partition, from, to, "fetching a hole from the store");
            course.catch_up(follower, &mut store, to, stop).await?;
        }
        let new = &delivered[delivered.partition_point(|event| event.position <= course.position)..];
        if is_dense(course.position, new) {
            course.handle(follower, &mut store, new).await?;
        } else {
            course.catch_up(follower, &mut store, newest, stop).await?;
        }
        if course.position < newest {
            break; // told to stop while catching up: the next one fetches the rest
        }
        instrumentation::events_handled(component, partition, new.len());
        retry.succeeded();
        health.set_up();
    }
    Ok(feed.leave().await?)
}

fn is_dense(position: u64, events: &[EventRecord]) -> bool {
    events.iter().zip(position + 1..).all(|(event, expected)| event.position == expected)
}
