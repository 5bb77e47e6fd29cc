//! The read stage and the settle stage of a partition writer.
//!
//! ```text
//! read k+2 ──▶ decide k+1 while k is appended ──▶ settle k−1
//! ```
//!
//! The channels between the stages are bounded, so a slow stage slows down reading.

use super::partition_writer::Interruption;
use super::unknown_kinds::{PartitionEnd, UnknownKinds};
use crate::instrumentation;
use crate::ports::commands::command_stream::{
    Batch, CommandReader, CommandSettler, PublishResult, ReceivedCommand, Settlement,
};
use auction_wire::PartitionId;
use std::time::Instant;
use tokio::sync::{mpsc, oneshot};
use worker_runtime::Supervisor;
use worker_runtime::shutdown::ShutdownSignal;

/// Signals the read stage that all batches up to this one are settled.
pub(super) type SettledSignal = oneshot::Sender<()>;

/// Batch that was read.
pub(super) struct ReadBatch {
    /// Commands; empty if none arrived in time.
    pub(super) deliveries: Vec<ReceivedCommand>,
    /// Set if the read stage waits until the batch is settled.
    pub(super) settled: Option<SettledSignal>,
}

/// Batch that is stored.
pub(super) struct StoredBatch {
    pub(super) settlement: Settlement,
    /// Set if the read stage waits until the batch is settled.
    pub(super) settled: Option<SettledSignal>,
}

/// Reads until shutdown or until a later stage has ended. Returns the reader, which then leaves the group.
/// Before a command of an unknown kind that another writer must decide, it waits until the earlier ones are
/// settled, and ends.
pub(super) async fn read<R: CommandReader>(
    mut reader: R,
    to_store: mpsc::Sender<ReadBatch>,
    unknown_kinds: &UnknownKinds,
    stop: &ShutdownSignal,
) -> Result<R, Interruption> {
    while !stop.requested() {
        let Batch { mut deliveries, isolated } = reader.read().await?;
        let undecidable = unknown_kinds.split_off(&mut deliveries);
        // The idle check of an empty batch requires that no other batch is in progress.
        let (settled, wait) = match isolated || deliveries.is_empty() || undecidable.is_some() {
            true => {
                let (settled, wait) = oneshot::channel();
                (Some(settled), Some(wait))
            }
            false => (None, None),
        };
        if to_store.send(ReadBatch { deliveries, settled }).await.is_err() {
            break;
        }
        if let Some(wait) = wait {
            // On an error another stage has ended, and returns the cause itself.
            if let (Ok(()), Some(command)) = (wait.await, undecidable) {
                return Err(Interruption::Fatal(PartitionEnd::HandOver(command)));
            }
        }
    }
    Ok(reader)
}

/// Settles stored batches in order.
pub(super) async fn settle(
    settler: &mut impl CommandSettler,
    mut stored: mpsc::Receiver<StoredBatch>,
    partition: PartitionId,
    supervisor: &Supervisor,
) -> Result<(), Interruption> {
    while let Some(StoredBatch { settlement, settled }) = stored.recv().await {
        if settlement.is_empty() {
            // Idle check: detects a writer that stored events and crashed, or published concurrently.
            if settler.stream_head().await? != settlement.after {
                return Err(Interruption::Conflict("stream_head_mismatch"));
            }
        } else {
            let began = Instant::now();
            if settler.settle(&settlement).await? == PublishResult::StreamMoved {
                return Err(Interruption::Conflict("stream_moved"));
            }
            instrumentation::batch_settled(partition, began.elapsed().as_secs_f64());
            settlement.dead.iter().for_each(|dead| instrumentation::dead_letter(partition, &dead.reason));
        }
        supervisor.succeeded();
        if let Some(settled) = settled {
            // The read stage may have ended.
            let _ = settled.send(());
        }
    }
    Ok(())
}
