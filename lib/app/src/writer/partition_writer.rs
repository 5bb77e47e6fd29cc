//! The lane of one partition: read, decide, append, settle, each at the same time as the others; and take
//! over when anything is in doubt.

use super::aggregate_cache::LoadError;
use super::append_stage::AppendStage;
use super::decider::{Decider, DeciderConfig};
use super::pessimistic::with_partition_lock;
use super::snapshots::SnapshotSender;
use super::stages::{read, settle};
use super::takeover::take_over;
use crate::instrumentation;
use crate::ports::Unavailable;
use crate::ports::commands::command_stream::{CommandReader, CommandStreamConnector};
use crate::ports::events::event_store::{EventStore, EventStoreConnector};
use crate::ports::events::partition_lock::PartitionLockConnector;
use auction_wire::PartitionId;
use futures_util::try_join;
use thiserror::Error;
use tokio::sync::mpsc;
use worker_runtime::Retry;
use worker_runtime::health::HealthHandle;
use worker_runtime::shutdown::ShutdownSignal;

/// Why a lane gives up. Its process ends; nothing is lost.
#[derive(Debug, Error)]
pub enum WriterError {
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
    StreamDiverged {
        /// Which lane.
        partition: PartitionId,
        /// How that shows.
        what: String,
    },
}

/// Why a lane stops what it is doing and begins again.
pub(super) enum Interruption {
    /// A server is away: wait, then take over.
    Unavailable(Unavailable),
    /// Somebody else wrote: take over at once.
    Conflict(&'static str),
    /// No way on.
    Fatal(WriterError),
}

impl From<Unavailable> for Interruption {
    fn from(error: Unavailable) -> Interruption {
        Interruption::Unavailable(error)
    }
}

/// One lane.
pub struct PartitionWriter {
    /// Of which partition.
    pub partition: PartitionId,
    /// What it keeps in memory, and decides by.
    pub limits: DeciderConfig,
    /// Where it leaves snapshots.
    pub snapshots: SnapshotSender,
    /// Where it says how it is.
    pub health: HealthHandle,
    /// When to stop.
    pub stop: ShutdownSignal,
}

/// What its figures are filed under.
const SERVICE: &str = "writer";

/// Runs a lane until it is time to stop; by turns with others, if there are locks. Servers that are away
/// are waited for without end; nothing is acknowledged before it is stored.
pub async fn run(
    stores: &impl EventStoreConnector,
    lanes: &impl CommandStreamConnector,
    locks: Option<&impl PartitionLockConnector>,
    mut lane: PartitionWriter,
) -> Result<(), WriterError> {
    let mut retry = Retry::default();
    let partition = lane.partition;
    let _held = instrumentation::partition_active(SERVICE, partition);
    while !lane.stop.requested() {
        let driven = match locks {
            None => run_until_interrupted(stores, lanes, &lane, &mut retry).await,
            Some(locks) => with_partition_lock(stores, lanes, locks, &lane, &mut retry).await,
        };
        let Err(interrupted) = driven else { break };
        lanes.on_interrupted(partition).await;
        match interrupted {
            Interruption::Fatal(error) => return Err(error),
            Interruption::Conflict(why) => {
                // A moment, so that two writers do not take over from each other in a frenzy.
                instrumentation::conflict(SERVICE, partition, why);
                let wait = retry.next_wait();
                tracing::warn!(%partition, why, ?wait, "somebody else wrote: taking over");
                lane.stop.sleep(wait).await;
            }
            Interruption::Unavailable(error) => {
                let wait = retry.next_wait();
                instrumentation::retry(SERVICE, partition, error.backend);
                lane.health.set_waiting(&error, retry.attempts());
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

async fn run_until_interrupted(
    stores: &impl EventStoreConnector,
    lanes: &impl CommandStreamConnector,
    PartitionWriter { partition, limits, snapshots, health, stop }: &PartitionWriter,
    retry: &mut Retry,
) -> Result<(), Interruption> {
    let partition = *partition;
    // Decisions load what they need while the batch before is being stored.
    let (mut appending, mut loading) = try_join!(stores.open(), stores.open())?;
    let (reader, mut settler) = lanes.open(partition).await?;
    let Some(head) = take_over(&mut appending, &mut settler, partition, stop).await? else { return Ok(()) };
    tracing::debug!(%partition, head, "took over");
    let mut desk = Decider::new(partition, head, loading.newest_deletion().await?, *limits);
    let (to_store, read_batches) = mpsc::channel(AHEAD);
    let (to_settle, stored_batches) = mpsc::channel(AHEAD);
    let storing = AppendStage::new(&mut desk, &mut loading, &mut appending, to_settle, snapshots);
    // When Postgres answers it has nothing to do: the next batch goes out before anything else is looked at.
    let ((), reader, ()) = try_join!(
        storing.run(read_batches),
        read(reader, to_store, stop),
        settle(&mut settler, stored_batches, partition, health, retry),
    )?;
    Ok(reader.leave_group().await?)
}

/// What is wrong with the store may pass; what is wrong with its content does not.
pub(super) fn interruption(error: LoadError, partition: PartitionId) -> Interruption {
    match error {
        LoadError::Unavailable(error) => Interruption::Unavailable(error),
        cause @ LoadError::Unreadable { .. } => {
            Interruption::Fatal(WriterError::Unreadable { partition, cause })
        }
    }
}
