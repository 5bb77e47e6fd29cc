//! Views made anew beside the live ones: a new generation is filled from the store, compared with the live
//! one, and takes its place in one step once it is not behind. Readers see no gap and no step back, and the
//! live projector goes on in the new generation.

use crate::consume::{EventHandler, HandleResult};
use crate::ports::Unavailable;
use crate::ports::events::event_store::{EventStore, EventStoreConnector};
use crate::ports::operator::parked_events::ParkedEvents;
use crate::ports::views::generations::{Comparison, Generation, Generations, SwitchResult};
use crate::projector::Projector;
use crate::writer::aggregate_cache::LoadError;
use auction_wire::{EventRecord, PartitionId};
use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::time::{Duration, Instant};
use thiserror::Error;
use uuid::Uuid;

/// Whose parked events wait in a new generation, too.
const SERVICE: &str = "projector";

/// How many events are handled in one go.
const CHUNK: usize = 2000;

/// What was made anew of a partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RebuildReport {
    /// Which.
    pub partition: PartitionId,
    /// The generation that is live now.
    pub generation: Generation,
    /// Events that were handled.
    pub events: u64,
    /// How long that took.
    pub took: Duration,
    /// What it was beside the views that were live until then.
    pub comparison: Comparison,
}

/// Why views could not be made anew. The live ones are as they were.
#[derive(Debug, Error)]
pub enum RebuildError {
    /// A server.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
    /// An event that this program cannot read and that is not parked.
    #[error(transparent)]
    Load(LoadError),
    /// The projector cannot handle something that is not parked.
    #[error("partition {0}: {1}")]
    Refused(PartitionId, String),
    /// Redis lost the new generation, or another rebuild was faster.
    #[error("partition {0}: somebody else touched the new generation; begin again")]
    Overtaken(PartitionId),
}

impl From<LoadError> for RebuildError {
    fn from(error: LoadError) -> RebuildError {
        match error {
            LoadError::Unavailable(error) => RebuildError::Unavailable(error),
            error @ LoadError::Unreadable { .. } => RebuildError::Load(error),
        }
    }
}

/// Makes the views of a partition anew, with at most `boards` auctions in memory.
pub async fn rebuild(
    stores: &impl EventStoreConnector,
    generations: &impl Generations,
    parking: &impl ParkedEvents,
    partition: PartitionId,
    boards: NonZeroUsize,
) -> Result<RebuildReport, RebuildError> {
    let began = Instant::now();
    let mut store = stores.open().await?;
    let generation = generations.begin(partition).await?;
    let mut projector = Projector::new(generations.stores(generation), partition, boards);
    let mut position = projector.load_checkpoint(&mut store).await?;
    position = catch_up(&mut store, parking, &mut projector, partition, position).await?;
    let comparison = generations.compare(partition, generation).await?;
    loop {
        position = catch_up(&mut store, parking, &mut projector, partition, position).await?;
        match generations.switch(partition, generation).await? {
            SwitchResult::Done => break,
            SwitchResult::Behind => continue,
            SwitchResult::Superseded => return Err(RebuildError::Overtaken(partition)),
        }
    }
    Ok(RebuildReport { partition, generation, events: position, took: began.elapsed(), comparison })
}

/// Handles everything that is stored by now. Returns the new position.
async fn catch_up(
    store: &mut impl EventStore,
    parking: &impl ParkedEvents,
    projector: &mut impl EventHandler,
    partition: PartitionId,
    mut position: u64,
) -> Result<u64, RebuildError> {
    let parked: HashMap<Uuid, u64> = parking
        .of(SERVICE, partition)
        .await?
        .into_iter()
        .map(|parked| (parked.event.key, parked.event.position))
        .collect();
    loop {
        let mut events = store.events_after(partition, position, CHUNK).await?;
        let Some(until) = events.last().map(|event| event.position) else { return Ok(position) };
        let waits = |event: &EventRecord| parked.get(&event.key).is_some_and(|at| event.position >= *at);
        events.retain(|event| !waits(event));
        match projector.handle(store, &events, until).await? {
            HandleResult::Done => position = until,
            HandleResult::Conflict => return Err(RebuildError::Overtaken(partition)),
            HandleResult::Failed(why) => return Err(RebuildError::Refused(partition, why)),
        }
    }
}
