//! Takeover: before a partition writer decides anything, it publishes events that are stored and not
//! published, and verifies that the stream and the store have the same history.

use super::partition_writer::{Interruption, WriterError};
use crate::consume::stream_divergence;
use crate::instrumentation;
use crate::ports::commands::command_stream::{CommandSettler, LastEvent, PublishResult};
use crate::ports::events::event_store::EventStore;
use auction_wire::PartitionId;
use worker_runtime::shutdown::ShutdownSignal;

/// Maximum number of events that are published in one transaction.
const PUBLISH_CHUNK: usize = 500;

/// Maximum number of events that are published to a stream that was lost. Consumers that lag more read older
/// events from the store.
pub const REPUBLISH_LIMIT: u64 = 10_000;

/// Publishes events that are stored and not published. Returns the head, which is then that of both store and
/// stream; `None` if a shutdown interrupted the takeover.
pub(super) async fn take_over(
    store: &mut impl EventStore,
    stream: &mut impl CommandSettler,
    partition: PartitionId,
    stop: &ShutdownSignal,
) -> Result<Option<u64>, Interruption> {
    let head = store.head(partition).await?;
    let mut published = stream.stream_head().await?;
    check_same_history(store, stream, partition, head, published).await?;
    while published < head {
        if stop.requested() {
            return Ok(None);
        }
        let is_lost = published == 0;
        let after = if is_lost { head.saturating_sub(REPUBLISH_LIMIT) } else { published };
        if is_lost {
            instrumentation::recovery("stream_lost");
            tracing::warn!(%partition, from = after + 1, to = head, "event stream lost: publishing events from the store");
        }
        let events = store.events_after(partition, after, PUBLISH_CHUNK).await?;
        let Some(last) = events.last().map(|event| event.position) else {
            return Err(Interruption::Conflict("store_incomplete"));
        };
        if stream.publish(published, &events).await? == PublishResult::StreamMoved {
            return Err(Interruption::Conflict("stream_moved"));
        }
        tracing::info!(%partition, from = after + 1, to = last, "published events from the store");
        published = last;
    }
    Ok(Some(head))
}

/// Fails if the stream is ahead of the store, or if its last event differs from the stored one.
async fn check_same_history(
    store: &mut impl EventStore,
    stream: &mut impl CommandSettler,
    partition: PartitionId,
    head: u64,
    published: u64,
) -> Result<(), Interruption> {
    let diverged = |what: String| Interruption::Fatal(WriterError::StreamDiverged { partition, what }.into());
    if published > head {
        // Another writer may have stored and published since the head was read.
        return match store.head(partition).await? {
            now if now >= published => Err(Interruption::Conflict("store_head_moved")),
            now => Err(diverged(format!("the stream ends at position {published}, the store at {now}"))),
        };
    }
    let last = match stream.last_event().await? {
        LastEvent::None => return Ok(()),
        LastEvent::Event(last) => last,
        LastEvent::Unrecognized(what) => return Err(diverged(what)),
    };
    match stream_divergence::find_divergence(store, partition, &last).await? {
        None => Ok(()),
        Some(what) => Err(diverged(what)),
    }
}
