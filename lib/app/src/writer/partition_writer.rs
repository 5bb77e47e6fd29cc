//! The lane of one partition: read, decide, append, settle, each at the same time as the others; and take
//! over when anything is in doubt.

use super::aggregate_cache::LoadError;
use super::append_stage::Storing;
use super::decider::{Desk, DeskLimits};
use super::pessimistic::by_turns;
use super::snapshots::Snapshots;
use super::stages::{read, settle};
use super::takeover::take_over;
use crate::instrumentation;
use crate::ports::Unavailable;
use crate::ports::commands::command_stream::{CommandLanes, CommandReader};
use crate::ports::events::event_store::{EventStore, EventStores};
use crate::ports::events::partition_lock::PartitionLocks;
use auction_wire::PartitionId;
use futures_util::try_join;
use thiserror::Error;
use tokio::sync::mpsc;
use worker_runtime::Retry;
use worker_runtime::health::Part;
use worker_runtime::shutdown::Stop;

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
pub(super) enum Interrupted {
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

/// One lane.
pub struct Lane {
    /// Of which partition.
    pub partition: PartitionId,
    /// What it keeps in memory, and decides by.
    pub limits: DeskLimits,
    /// Where it leaves snapshots.
    pub snapshots: Snapshots,
    /// Where it says how it is.
    pub health: Part,
    /// When to stop.
    pub stop: Stop,
}

/// What its figures are filed under.
const SERVICE: &str = "writer";

/// Runs a lane until it is time to stop; by turns with others, if there are locks. Servers that are away
/// are waited for without end; nothing is acknowledged before it is stored.
pub async fn run(
    stores: &impl EventStores,
    lanes: &impl CommandLanes,
    locks: Option<&impl PartitionLocks>,
    mut lane: Lane,
) -> Result<(), LaneError> {
    let mut retry = Retry::default();
    let partition = lane.partition;
    let _held = instrumentation::held(SERVICE, partition);
    while !lane.stop.requested() {
        let driven = match locks {
            None => drive(stores, lanes, &lane, &mut retry).await,
            Some(locks) => by_turns(stores, lanes, locks, &lane, &mut retry).await,
        };
        let Err(interrupted) = driven else { break };
        lanes.interrupted(partition).await;
        match interrupted {
            Interrupted::Fatal(error) => return Err(error),
            Interrupted::Conflict(why) => {
                // A moment, so that two writers do not take over from each other in a frenzy.
                instrumentation::conflict(SERVICE, partition, why);
                let wait = retry.next_wait();
                tracing::warn!(%partition, why, ?wait, "somebody else wrote: taking over");
                lane.stop.sleep(wait).await;
            }
            Interrupted::Unavailable(error) => {
                let wait = retry.next_wait();
                instrumentation::retry(SERVICE, partition, error.service);
                lane.health.waits(&error, retry.attempts());
                tracing::warn!(%partition, %error, attempt = retry.attempts(), ?wait, "waiting, then taking over");
                lane.stop.sleep(wait).await;
            }
        }
    }
    Ok(())
}

/// How many batches wait between two stages: enough that none of them stands still, few enough that a
/// lane that gives up has not read far ahead.
const AHEAD: usize = 1;

async fn drive(
    stores: &impl EventStores,
    lanes: &impl CommandLanes,
    Lane { partition, limits, snapshots, health, stop }: &Lane,
    retry: &mut Retry,
) -> Result<(), Interrupted> {
    let partition = *partition;
    // Decisions load what they need while the batch before is being stored.
    let (mut appending, mut loading) = try_join!(stores.open(), stores.open())?;
    let (reader, mut settler) = lanes.open(partition).await?;
    let Some(head) = take_over(&mut appending, &mut settler, partition, stop).await? else { return Ok(()) };
    tracing::debug!(%partition, head, "took over");
    let mut desk = Desk::new(partition, head, loading.newest_deletion().await?, *limits);
    let (to_store, read_batches) = mpsc::channel(AHEAD);
    let (to_settle, stored_batches) = mpsc::channel(AHEAD);
    let storing = Storing::new(&mut desk, &mut loading, &mut appending, to_settle, snapshots);
    // When Postgres answers it has nothing to do: the next batch goes out before anything else is looked at.
    let ((), reader, ()) = try_join!(
        storing.run(read_batches),
        read(reader, to_store, stop),
        settle(&mut settler, stored_batches, partition, health, retry),
    )?;
    Ok(reader.leave().await?)
}

/// What is wrong with the store may pass; what is wrong with its content does not.
pub(super) fn interrupted(error: LoadError, partition: PartitionId) -> Interrupted {
    match error {
        LoadError::Unavailable(error) => Interrupted::Unavailable(error),
        cause @ LoadError::Unreadable { .. } => {
            Interrupted::Fatal(LaneError::Unreadable { partition, cause })
        }
    }
}
