//! Whether an event stream and a store tell of the same history. After a restore of Postgres from an older backup they do
//! not, and nobody may mix the two.

use crate::ports::Unavailable;
use crate::ports::events::event_store::EventStore;
use auction_wire::{EventRecord, PartitionId};

/// How an event that was published differs from what is stored at its position; none if it does not.
///
/// Events are stored before they are published: it is to be read before the store is asked.
pub(crate) async fn find_divergence(
    store: &mut impl EventStore,
    partition: PartitionId,
    published: &EventRecord,
) -> Result<Option<String>, Unavailable> {
    let stored = store.events_after(partition, published.position.saturating_sub(1), 1).await?;
    Ok(match stored.first() {
        Some(stored) if stored.same_history(published) => None,
        _ => Some(format!("its event {} is not the one stored at that position", published.position)),
    })
}
