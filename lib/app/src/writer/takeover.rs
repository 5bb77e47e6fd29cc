//! Before a lane decides anything: what was stored and not published is published, and the stream is
//! checked to be of the same history as the store.

use super::partition_writer::{Interruption, WriterError};
use crate::consume::stream_divergence;
use crate::instrumentation;
use crate::ports::commands::command_stream::{CommandSettler, LastEvent, PublishResult};
use crate::ports::events::event_store::EventStore;
use auction_wire::PartitionId;
use worker_runtime::shutdown::ShutdownSignal;

/// How many events are published from the store in one go.
const PUBLISH_CHUNK: usize = 500;

/// A stream that was lost begins so many events before the head: readers that are further behind fetch
/// the rest from the store, where all of history is.
pub const REPUBLISH_LIMIT: u64 = 10_000;

/// Publishes what was stored and not published. Returns the head, where store and stream both end; none
/// if it is time to stop before.
pub(super) async fn take_over(
    store: &mut impl EventStore,
    lane: &mut impl CommandSettler,
    partition: PartitionId,
    stop: &ShutdownSignal,
) -> Result<Option<u64>, Interruption> {
    let head = store.head(partition).await?;
    let mut published = lane.stream_head().await?;
    check_same_history(store, lane, partition, head, published).await?;
    while published < head {
        if stop.requested() {
            return Ok(None);
        }
        let lost = published == 0;
        let behind = if lost { head.saturating_sub(REPUBLISH_LIMIT) } else { published };
        if lost {
            instrumentation::recovery("stream_lost");
            tracing::warn!(%partition, from = behind + 1, to = head, "the event stream is gone: publishing from the store");
        }
        let events = store.events_after(partition, behind, PUBLISH_CHUNK).await?;
        let Some(last) = events.last().map(|event| event.position) else {
            return Err(Interruption::Conflict("the store has a head without events"));
        };
        if lane.publish(published, &events).await? == PublishResult::StreamMoved {
            return Err(Interruption::Conflict("the event stream moved while it was mended"));
        }
        tracing::info!(%partition, from = behind + 1, to = last, "published from the store");
        published = last;
    }
    Ok(Some(head))
}

/// A stream that is ahead of the store, or ends in another event, belongs to another history.
async fn check_same_history(
    store: &mut impl EventStore,
    lane: &mut impl CommandSettler,
    partition: PartitionId,
    head: u64,
    published: u64,
) -> Result<(), Interruption> {
    let foreign = |what: String| Interruption::Fatal(WriterError::StreamDiverged { partition, what });
    if published > head {
        // Another writer may have stored and published since the head was read.
        return match store.head(partition).await? {
            now if now >= published => Err(Interruption::Conflict("the head moved")),
            now => Err(foreign(format!("it ends at {published}, the database at {now}"))),
        };
    }
    let last = match lane.last_event().await? {
        LastEvent::None => return Ok(()),
        LastEvent::Event(last) => last,
        LastEvent::Unrecognized(what) => return Err(foreign(what)),
    };
    match stream_divergence::find_divergence(store, partition, &last).await? {
        None => Ok(()),
        Some(what) => Err(foreign(what)),
    }
}
