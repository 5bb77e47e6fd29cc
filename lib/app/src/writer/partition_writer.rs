//! The partition writer: runs the stages read, decide, append and settle concurrently, and takes over again
//! after errors and conflicts.

use super::append_stage::AppendStage;
use super::decider::{Decider, DeciderConfig};
use super::pessimistic::with_partition_lock;
use super::snapshots::SnapshotSender;
use super::stages::{read, settle};
use super::takeover::take_over;
use super::unknown_kinds::{PartitionEnd, UndecidableCommand, UnknownKinds};
use crate::consume::stored_events::LoadError;
use crate::instrumentation;
use crate::interruption;
use crate::ports::commands::command_stream::{CommandReader, CommandStreamConnector};
use crate::ports::events::event_store::EventStoreConnector;
use crate::ports::events::partition_lock::PartitionLockConnector;
use auction_wire::PartitionId;
use futures_util::try_join;
use thiserror::Error;
use tokio::sync::mpsc;
use worker_runtime::Supervisor;

/// Errors that end a partition writer, and its process. No command is lost.
#[derive(Debug, Error)]
pub enum WriterError {
    /// A stored event cannot be read by this program.
    #[error("partition {partition}: {cause}")]
    Unreadable { partition: PartitionId, cause: LoadError },
    /// The event stream contains a history that the store does not have.
    #[error("partition {partition}: the event stream does not match the event store: {what}")]
    StreamDiverged {
        partition: PartitionId,
        /// First difference that was found.
        what: String,
    },
}

/// Reasons a partition writer drops its connections and starts again.
pub(super) type Interruption = interruption::Interruption<PartitionEnd>;

/// Parameters of a partition writer.
pub struct PartitionWriter {
    pub partition: PartitionId,
    pub config: DeciderConfig,
    pub snapshots: SnapshotSender,
    pub unknown_kinds: UnknownKinds,
    pub supervisor: Supervisor,
}

/// Value of the component label in metrics.
const COMPONENT: &str = "writer";

/// Runs a partition writer until shutdown. With locks, it takes turns with other writers of the partition.
/// While another writer must decide a command of an unknown kind, it waits.
///
/// It retries unavailable backends forever. A command is acknowledged only after its outcome is stored.
pub async fn run(
    stores: &impl EventStoreConnector,
    streams: &impl CommandStreamConnector,
    locks: Option<&impl PartitionLockConnector>,
    writer: PartitionWriter,
) -> Result<(), WriterError> {
    while let Some(command) = run_until_hand_over(stores, streams, locks, &writer).await? {
        let waiting = format!("waiting for a newer writer: {}", command.unknown);
        writer.supervisor.report_failure(&waiting);
        let mut stop = writer.supervisor.stop();
        tokio::select! {
            () = writer.unknown_kinds.wait_until_decided(streams, writer.partition, &command) => {}
            () = stop.wait() => {}
        }
    }
    Ok(())
}

/// Runs a partition writer as [`run`] does. Returns the command that another writer must decide; `None` after
/// the shutdown.
pub async fn run_until_hand_over(
    stores: &impl EventStoreConnector,
    streams: &impl CommandStreamConnector,
    locks: Option<&impl PartitionLockConnector>,
    writer: &PartitionWriter,
) -> Result<Option<UndecidableCommand>, WriterError> {
    let PartitionWriter { partition, ref supervisor, .. } = *writer;
    let _active = instrumentation::partition_active(COMPONENT, partition);
    while !supervisor.stopping() {
        let result = match locks {
            None => run_until_interrupted(stores, streams, writer).await,
            Some(locks) => with_partition_lock(stores, streams, locks, writer).await,
        };
        let Err(interruption) = result else { break };
        streams.on_interrupted(partition).await;
        match interruption.recover(COMPONENT, partition, supervisor).await {
            Ok(()) => {}
            Err(PartitionEnd::Failed(error)) => return Err(error),
            Err(PartitionEnd::HandOver(command)) => {
                let UndecidableCommand { channel, entry, unknown } = &command;
                tracing::warn!(%partition, channel = channel.name(), %entry, unknown,
                    "handing the partition over: only a newer writer can decide a command");
                return Ok(Some(command));
            }
        }
    }
    Ok(None)
}

/// Batches that wait between two stages: enough to keep each stage busy, few enough that an interrupted
/// writer has not read far ahead.
const STAGE_BUFFER: usize = 1;

async fn run_until_interrupted(
    stores: &impl EventStoreConnector,
    streams: &impl CommandStreamConnector,
    PartitionWriter { partition, config, snapshots, unknown_kinds, supervisor }: &PartitionWriter,
) -> Result<(), Interruption> {
    let (partition, stop) = (*partition, &supervisor.stop());
    // Two connections: the decider loads state while the previous batch is appended.
    let (mut appending, mut loading) = try_join!(stores.open(), stores.open())?;
    let (reader, mut settler) = streams.open(partition).await?;
    let Some(head) = take_over(&mut appending, &mut settler, partition, stop).await? else { return Ok(()) };
    tracing::debug!(%partition, head, "took over");
    let mut decider = Decider::new(partition, head, *config);
    let (to_store, read_batches) = mpsc::channel(STAGE_BUFFER);
    let (to_settle, stored_batches) = mpsc::channel(STAGE_BUFFER);
    let append_stage =
        AppendStage::new(&mut decider, &mut loading, &mut appending, to_settle, snapshots, unknown_kinds);
    // The append stage is polled first, so that the store gets the next batch as soon as it is idle.
    let ((), reader, ()) = try_join!(
        append_stage.run(read_batches),
        read(reader, to_store, unknown_kinds, stop),
        settle(&mut settler, stored_batches, partition, supervisor),
    )?;
    Ok(reader.leave_group().await?)
}

/// Maps a load error: an unavailable store is retried, unreadable content ends the writer.
pub(super) fn interruption(error: LoadError, partition: PartitionId) -> Interruption {
    match error {
        LoadError::Unavailable(error) => Interruption::Unavailable(error),
        cause @ LoadError::Unreadable { .. } => {
            Interruption::Fatal(WriterError::Unreadable { partition, cause }.into())
        }
    }
}
