//! The lane of one partition: read, decide, append, settle; and take over when anything is in doubt.

use super::aggregates::LoadError;
use super::decide::{Desk, DeskLimits};
use crate::ports::Unavailable;
use crate::ports::command_lane::{CommandLane, CommandLanes, Delivery, LastEvent, Published};
use crate::ports::event_store::{Appended, EventStore, EventStores};
use crate::stop::Stop;
use auction_wire::{CommandId, Outcome, PartitionId};
use std::collections::HashMap;
use stream_worker::Retry;
use thiserror::Error;

/// How many events are published from the store in one go when taking over.
const PUBLISH_CHUNK: usize = 500;

/// Why a lane gives up. Its process ends; nothing is lost.
#[derive(Debug, Error)]
pub enum LaneError {
    /// What is stored cannot be read by this program.
    #[error("partition {partition}: {cause}")]
    Unreadable {
        /// Which lane.
        partition: PartitionId,
        /// What cannot be read.
        cause: LoadError,
    },
    /// The event stream has a history that the store does not have.
    #[error(
        "partition {partition}: the event stream does not belong to this database: {what}. Either the \
         database was restored from an older backup or REDIS_URL points at the streams of another one. \
         If the database is right, stop everything, delete the keys ap:{{{partition}}}:evt and \
         ap:{{{partition}}}:view:* and start again: they are made anew"
    )]
    ForeignStream {
        /// Which lane.
        partition: PartitionId,
        /// How that shows.
        what: String,
    },
}

/// Why a lane stops what it is doing and begins again.
enum Interrupted {
    /// A server is away: wait, then take over.
    Unavailable(Unavailable),
    /// Somebody else wrote: take over at once.
    Conflict(&'static str),
    /// No way on.
    Fatal(LaneError),
}

impl From<Unavailable> for Interrupted {
    fn from(error: Unavailable) -> Interrupted {
        Interrupted::Unavailable(error)
    }
}

/// Runs the lane of a partition until it is time to stop. Servers that are away are waited for without
/// end; nothing is acknowledged before it is stored.
pub async fn run(
    stores: &impl EventStores,
    lanes: &impl CommandLanes,
    partition: PartitionId,
    limits: DeskLimits,
    mut stop: Stop,
) -> Result<(), LaneError> {
    let mut retry = Retry::default();
    while !stop.requested() {
        match drive(stores, lanes, partition, limits, &stop, &mut retry).await {
            Ok(()) => break,
            Err(Interrupted::Fatal(error)) => return Err(error),
            Err(Interrupted::Conflict(why)) => {
                // A moment, so that two writers do not take over from each other in a frenzy.
                let wait = retry.next_wait();
                tracing::warn!(%partition, why, ?wait, "somebody else wrote: taking over");
                stop.sleep(wait).await;
            }
            Err(Interrupted::Unavailable(error)) => {
                let wait = retry.next_wait();
                tracing::warn!(%partition, %error, attempt = retry.attempts(), ?wait, "waiting, then taking over");
                stop.sleep(wait).await;
            }
        }
    }
    Ok(())
}

async fn drive(
    stores: &impl EventStores,
    lanes: &impl CommandLanes,
    partition: PartitionId,
    limits: DeskLimits,
    stop: &Stop,
    retry: &mut Retry,
) -> Result<(), Interrupted> {
    let mut store = stores.open().await?;
    let mut lane = lanes.open(partition).await?;
    let Some(head) = take_over(&mut store, &mut lane, partition, stop).await? else { return Ok(()) };
    tracing::debug!(%partition, head, "took over");
    let mut desk = Desk::new(partition, head, store.newest_deletion().await?, limits);
    while !stop.requested() {
        let batch = lane.read().await?;
        if batch.is_empty() {
            check_idle(&mut store, &mut lane, &desk, partition).await?;
        } else {
            handle(&mut store, &mut lane, &mut desk, &batch).await?;
        }
        retry.succeeded();
    }
    Ok(lane.leave().await?)
}

/// Publishes what was stored and not published. Returns the head, where store and stream both end; none
/// if it is time to stop before.
async fn take_over(
    store: &mut impl EventStore,
    lane: &mut impl CommandLane,
    partition: PartitionId,
    stop: &Stop,
) -> Result<Option<u64>, Interrupted> {
    let head = store.head(partition).await?;
    let mut published = lane.stream_head().await?;
    check_same_history(store, lane, partition, head, published).await?;
    while published < head {
        if stop.requested() {
            return Ok(None);
        }
        let events = store.events_after(partition, published, PUBLISH_CHUNK).await?;
        let Some(last) = events.last().map(|event| event.position) else {
            return Err(Interrupted::Conflict("the store has a head without events"));
        };
        if lane.publish(published, &events).await? == Published::StreamMoved {
            return Err(Interrupted::Conflict("the event stream moved while it was mended"));
        }
        tracing::info!(%partition, from = published + 1, to = last, "published from the store");
        published = last;
    }
    Ok(Some(head))
}

/// A stream that is ahead of the store, or ends in another event, belongs to another history.
async fn check_same_history(
    store: &mut impl EventStore,
    lane: &mut impl CommandLane,
    partition: PartitionId,
    head: u64,
    published: u64,
) -> Result<(), Interrupted> {
    let foreign = |what: String| Interrupted::Fatal(LaneError::ForeignStream { partition, what });
    if published > head {
        // Another writer may have stored and published since the head was read.
        return match store.head(partition).await? {
            now if now >= published => Err(Interrupted::Conflict("the head moved")),
            now => Err(foreign(format!("it ends at {published}, the database at {now}"))),
        };
    }
    let last = match lane.last_event().await? {
        LastEvent::None => return Ok(()),
        LastEvent::Event(last) => last,
        LastEvent::NotOurs(what) => return Err(foreign(what)),
    };
    let stored = store.events_after(partition, last.position.saturating_sub(1), 1).await?;
    match stored.first() {
        Some(stored) if stored.same_history(&last) => Ok(()),
        _ => Err(foreign(format!("its event {} is not the one stored at that position", last.position))),
    }
}

/// When nothing comes: a writer that stored and died, or wrote beside us, must not go unnoticed.
async fn check_idle(
    store: &mut impl EventStore,
    lane: &mut impl CommandLane,
    desk: &Desk,
    partition: PartitionId,
) -> Result<(), Interrupted> {
    if store.head(partition).await? != desk.head() {
        return Err(Interrupted::Conflict("the store's head moved"));
    }
    if lane.stream_head().await? != desk.head() {
        return Err(Interrupted::Conflict("the event stream does not end at the head"));
    }
    Ok(())
}

/// Decides a batch until it is stored, then settles it.
async fn handle(
    store: &mut impl EventStore,
    lane: &mut impl CommandLane,
    desk: &mut Desk,
    batch: &[Delivery],
) -> Result<(), Interrupted> {
    let mut before: HashMap<CommandId, Outcome> = HashMap::new();
    loop {
        let decided = match desk.decide(store, batch, &before).await {
            Ok(decided) => decided,
            Err(error) => return Err(interrupted(error, desk)),
        };
        match store.append(&decided.append).await? {
            Appended::Done => {
                return match lane.settle(&desk.stored(decided)).await? {
                    Published::Done => Ok(()),
                    Published::StreamMoved => Err(Interrupted::Conflict("the event stream moved")),
                };
            }
            Appended::HeadMoved => return Err(Interrupted::Conflict("the head moved")),
            Appended::DecidedBefore => {
                let found = store.outcomes(&decided.commands).await?;
                if found.is_empty() {
                    return Err(Interrupted::Conflict("a bid is stored whose command has no outcome"));
                }
                let here = |outcome: &&Outcome| outcome.partition == desk.partition();
                if found.iter().filter(here).any(|outcome| outcome.position > desk.head()) {
                    return Err(Interrupted::Conflict("a command was decided beyond the head"));
                }
                before.extend(found.into_iter().map(|outcome| (outcome.command, outcome)));
            }
            Appended::DeletionsUnknown => {}
        }
        desk.forget(batch);
        desk.learn_deletions(store).await?;
    }
}

/// What is wrong with the store may pass; what is wrong with its content does not.
fn interrupted(error: LoadError, desk: &Desk) -> Interrupted {
    match error {
        LoadError::Unavailable(error) => Interrupted::Unavailable(error),
        cause @ LoadError::Unreadable { .. } => {
            Interrupted::Fatal(LaneError::Unreadable { partition: desk.partition(), cause })
        }
    }
}
