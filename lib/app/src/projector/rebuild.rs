//! Rebuild of the read models without downtime.
//!
//! A new generation is filled from the event store, compared with the current generation, and replaces it
//! atomically once it is not older. Readers never see missing or older data. The running projector continues
//! in the new generation.

use crate::consume::stored_events::LoadError;
use crate::consume::{EventHandler, HandleResult};
use crate::ports::Unavailable;
use crate::ports::events::event_store::{EventStore, EventStoreConnector};
use crate::ports::operator::parked_events::ParkedEvents;
use crate::ports::views::generations::{Comparison, Generation, Generations, SwitchResult};
use crate::projector::Projector;
use crate::projector::views::{auction, auctions};
use auction_wire::{EventRecord, PartitionId};
use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::time::{Duration, Instant};
use thiserror::Error;
use uuid::Uuid;

/// The component whose parked events are left out of the new generation, too.
const COMPONENT: &str = "projector";

/// Number of events handled per batch.
const CHUNK: usize = 2000;

/// Report of the rebuild of one partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RebuildReport {
    pub partition: PartitionId,
    /// The new generation, which is the current one now.
    pub generation: Generation,
    /// Number of events handled.
    pub events: u64,
    pub took: Duration,
    /// Comparison with the generation that was current until then.
    pub comparison: Comparison,
}

/// Reasons a rebuild fails. The current generation is unchanged.
#[derive(Debug, Error)]
pub enum RebuildError {
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
    /// An event that is not parked cannot be decoded.
    #[error(transparent)]
    Load(LoadError),
    /// The projector cannot handle an event that is not parked.
    #[error("partition {0}: {1}")]
    Failed(PartitionId, String),
    /// The new generation was lost, or another rebuild finished first.
    #[error(
        "partition {0}: the new generation was changed by another process or was lost. Run the rebuild again"
    )]
    Conflict(PartitionId),
}

impl From<LoadError> for RebuildError {
    fn from(error: LoadError) -> RebuildError {
        match error {
            LoadError::Unavailable(error) => RebuildError::Unavailable(error),
            error @ LoadError::Unreadable { .. } => RebuildError::Load(error),
        }
    }
}

/// Rebuilds the read models of a partition, with about `cache_size` auctions in memory.
pub async fn rebuild(
    stores: &impl EventStoreConnector,
    generations: &impl Generations,
    parking: &impl ParkedEvents,
    partition: PartitionId,
    cache_size: NonZeroUsize,
) -> Result<RebuildReport, RebuildError> {
    let began = Instant::now();
    let mut store = stores.open().await?;
    let generation = generations.begin(partition).await?;
    let mut projector = Projector::new(generations.stores(generation), partition, cache_size);
    let mut position = projector.load_checkpoint(&mut store).await?;
    position = catch_up(&mut store, parking, &mut projector, partition, position).await?;
    let comparison = generations.compare(partition, generation, auctions::ENTRIES, auction::name).await?;
    loop {
        position = catch_up(&mut store, parking, &mut projector, partition, position).await?;
        match generations.switch(partition, generation).await? {
            SwitchResult::Done => break,
            SwitchResult::Behind => continue,
            SwitchResult::Superseded => return Err(RebuildError::Conflict(partition)),
        }
    }
    Ok(RebuildReport { partition, generation, events: position, took: began.elapsed(), comparison })
}

/// Handles every event stored by now. Returns the new position.
async fn catch_up(
    store: &mut impl EventStore,
    parking: &impl ParkedEvents,
    projector: &mut impl EventHandler,
    partition: PartitionId,
    mut position: u64,
) -> Result<u64, RebuildError> {
    let parked: HashMap<Uuid, u64> = parking
        .of(COMPONENT, partition)
        .await?
        .into_iter()
        .map(|parked| (parked.event.key, parked.event.position))
        .collect();
    loop {
        let mut events = store.events_after(partition, position, CHUNK).await?;
        let Some(until) = events.last().map(|event| event.position) else { return Ok(position) };
        let is_parked = |event: &EventRecord| parked.get(&event.key).is_some_and(|at| event.position >= *at);
        events.retain(|event| !is_parked(event));
        match projector.handle(store, &events, until).await? {
            HandleResult::Done => position = until,
            HandleResult::Conflict => return Err(RebuildError::Conflict(partition)),
            HandleResult::Failed(error) => return Err(RebuildError::Failed(partition, error)),
        }
    }
}
