//! Following a partition's events: each once, in order, without a hole.
//!
//! The stream is the fast way, the store the sure one: an event that is missing on the stream, because
//! it was trimmed, flushed or not published yet, is fetched from the store.

pub mod auction_projection;
mod state;
pub(crate) mod stream_divergence;

use crate::instrumentation;
use crate::ports::Unavailable;
use crate::ports::events::event_store::{EventStore, EventStores};
use crate::ports::events::event_stream::{EventFeed, EventFeeds};
use crate::ports::operator::parked_events::ParkedEvents;
use crate::writer::aggregate_cache::LoadError;
use auction_wire::{EventRecord, PartitionId};
use state::Course;
use std::future::Future;
use std::time::Duration;
use thiserror::Error;
use worker_runtime::Retry;
use worker_runtime::health::Part;
use worker_runtime::shutdown::Stop;

/// What a service does with the events of one partition.
pub trait Follower: Send {
    /// The position up to which everything has been handled. Called at the start and after every error;
    /// whatever is in memory must be what it is at that position.
    fn start(&mut self, store: &mut impl EventStore) -> impl Future<Output = Result<u64, LoadError>> + Send;

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
    ) -> impl Future<Output = Result<Handled, LoadError>> + Send;

    /// How long events shall gather on the stream before the next are read.
    fn pause(&self) -> Duration {
        Duration::ZERO
    }
}

/// What became of a batch of events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Handled {
    /// It will not be needed again.
    Done,
    /// Somebody else handled events of this partition: begin again from what is there now.
    Overtaken,
    /// One of them cannot be handled, for this reason, and not the next time either. It is looked for, and
    /// parked with its user or auction. Unreadable events and panics count as this, too.
    Refused(String),
}

/// Why a follower gives up. Its process ends; nothing is lost.
#[derive(Debug, Error)]
pub enum FollowError {
    /// What it would start from cannot be read by this program.
    #[error(transparent)]
    Load(LoadError),
    /// It cannot even handle nothing.
    #[error("{service} of partition {partition} cannot go on: {error}")]
    Broken {
        /// Who.
        service: &'static str,
        /// Where.
        partition: PartitionId,
        /// Why.
        error: String,
    },
    /// What it has handled is not in the store.
    #[error(
        "{service} of partition {partition}: what it made ends at {position}, the database at {head}. Either \
         the database was restored from an older backup or REDIS_URL points at the views of another one. If \
         the database is right, stop everything, delete the keys ap:{{{partition}}}:evt and \
         ap:{{{partition}}}:view:* and start again: they are made anew"
    )]
    AheadOfStore {
        /// Who.
        service: &'static str,
        /// Where.
        partition: PartitionId,
        /// What it has handled.
        position: u64,
        /// What is stored.
        head: u64,
    },
    /// The event stream has a history that the store does not have.
    #[error(
        "{service} of partition {partition}: the event stream does not belong to this database: {what}. Either \
         the database was restored from an older backup or REDIS_URL points at the streams of another one. If \
         the database is right, stop everything, delete the keys ap:{{{partition}}}:evt and \
         ap:{{{partition}}}:view:* and start again: they are made anew"
    )]
    ForeignStream {
        /// Who.
        service: &'static str,
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
    service: &'static str,
    partition: PartitionId,
) -> Result<(), Interrupted> {
    let Some(last) = last else { return Ok(()) };
    match stream_divergence::differs(store, partition, &last).await? {
        None => Ok(()),
        Some(what) => Err(Interrupted::Fatal(FollowError::ForeignStream { service, partition, what })),
    }
}

/// Why following begins again.
enum Interrupted {
    Unavailable(Unavailable),
    Overtaken,
    /// Something could not be handled, and was parked or is looked for.
    Parked,
    Fatal(FollowError),
}

impl From<Unavailable> for Interrupted {
    fn from(error: Unavailable) -> Interrupted {
        Interrupted::Unavailable(error)
    }
}

impl From<LoadError> for Interrupted {
    fn from(error: LoadError) -> Interrupted {
        match error {
            LoadError::Unavailable(error) => Interrupted::Unavailable(error),
            error @ LoadError::Unreadable { .. } => Interrupted::Fatal(FollowError::Load(error)),
        }
    }
}

/// Who follows which events.
pub struct Subscription {
    /// The service: the name of its consumer group.
    pub service: &'static str,
    /// Whose events.
    pub partition: PartitionId,
    /// Where it says how it is.
    pub health: Part,
    /// When to stop.
    pub stop: Stop,
}

/// Follows one partition for a service until it is time to stop. Servers that are away are waited for
/// without end; an event that cannot be handled is parked, with its user or auction.
pub async fn follow(
    stores: &impl EventStores,
    feeds: &impl EventFeeds,
    parking: &impl ParkedEvents,
    mut subscription: Subscription,
    mut follower: impl Follower,
) -> Result<(), FollowError> {
    let mut retry = Retry::default();
    let Subscription { service, partition, .. } = subscription;
    let _held = instrumentation::held(service, partition);
    let mut course = Course::new(parking, service, partition);
    while !subscription.stop.requested() {
        match drive(stores, feeds, &subscription, &mut course, &mut follower, &mut retry).await {
            Ok(()) => break,
            Err(Interrupted::Fatal(error)) => return Err(error),
            Err(Interrupted::Parked) => {}
            Err(Interrupted::Overtaken) => {
                instrumentation::conflict(service, partition, "another process handles this partition");
                tracing::warn!(service, %partition, "another process handles this partition too: beginning again");
                subscription.stop.sleep(retry.next_wait()).await;
            }
            Err(Interrupted::Unavailable(error)) => {
                let wait = retry.next_wait();
                instrumentation::retry(service, partition, error.service);
                subscription.health.waits(&error, retry.attempts());
                tracing::warn!(service, %partition, %error, attempt = retry.attempts(), ?wait, "waiting, then beginning again");
                subscription.stop.sleep(wait).await;
            }
        }
    }
    Ok(())
}

async fn drive(
    stores: &impl EventStores,
    feeds: &impl EventFeeds,
    Subscription { service, partition, health, stop }: &Subscription,
    course: &mut Course<'_, impl ParkedEvents>,
    follower: &mut impl Follower,
    retry: &mut Retry,
) -> Result<(), Interrupted> {
    let (service, partition) = (*service, *partition);
    let mut store = stores.open().await?;
    let mut feed = feeds.open(service, partition).await?;
    let position = follower.start(&mut store).await?;
    let head = store.head(partition).await?;
    if position > head {
        return Err(Interrupted::Fatal(FollowError::AheadOfStore { service, partition, position, head }));
    }
    let last = feed.ended_in().cloned();
    check_same_history(&mut store, last, service, partition).await?;
    course.begin(position).await?;
    while !stop.requested() {
        course.answer_operators(follower, &mut store).await?;
        stop.clone().sleep(follower.pause()).await;
        let delivered = feed.read().await?;
        let Some(newest) = delivered.last().map(|event| event.position) else {
            // Nothing on the stream: is there anything in the store that should have been there?
            let head = store.head(partition).await?;
            course.catch_up(follower, &mut store, head, stop).await?;
            retry.succeeded();
            health.works();
            continue;
        };
        if let Some(first) = delivered.iter().find(|event| event.position > course.position)
            && first.position > course.position + 1
        {
            let (from, to) = (course.position + 1, first.position - 1);
            instrumentation::hole(service, partition, to + 1 - from);
            instrumentation::incident("hole");
            tracing::warn!(service, %partition, from, to, "fetching a hole from the store");
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
        instrumentation::events_followed(service, partition, new.len());
        retry.succeeded();
        health.works();
    }
    Ok(feed.leave().await?)
}

fn is_dense(position: u64, events: &[EventRecord]) -> bool {
    events.iter().zip(position + 1..).all(|(event, expected)| event.position == expected)
}
