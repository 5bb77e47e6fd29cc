//! Detection of an event stream whose history differs from the event store's.
//!
//! The histories differ after the store was restored from an older backup, or if the stream belongs to
//! another installation. Nothing may be handled or published then: it would mix two histories.

use crate::ports::Unavailable;
use crate::ports::events::event_store::EventStore;
use auction_wire::{EventRecord, PartitionId};

/// Describes how a published event differs from the stored event at its position. Returns none if they are
/// equal.
///
/// Read the published event before this call: events are stored before they are published, so that an event
/// on the stream that is not in the store by now never will be.
pub(crate) async fn find_divergence(
    store: &mut impl EventStore,
    partition: PartitionId,
    published: &EventRecord,
) -> Result<Option<String>, Unavailable> {
    let stored = store.events_after(partition, published.position.saturating_sub(1), 1).await?;
    Ok(match stored.first() {
        Some(stored) if stored.same_history(published) => None,
        _ => Some(format!("its event {} is not the event stored at that position", published.position)),
    })
}
