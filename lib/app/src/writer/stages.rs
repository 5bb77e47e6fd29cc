//! The first and the last stage of a lane: reading commands, and settling what is stored.
//!
//! ```text
//! read k+1 ──▶ decide k+1 while k is being stored ──▶ settle k−1
//! ```
//!
//! Between two stages at most a batch or two wait; a stage that is slow holds up the one before, and so
//! nothing more is read.

use super::partition_writer::Interruption;
use crate::instrumentation;
use crate::ports::commands::command_stream::{
    Batch, CommandReader, CommandSettler, PublishResult, ReceivedCommand, Settlement,
};
use auction_wire::PartitionId;
use std::time::Instant;
use tokio::sync::{mpsc, oneshot};
use worker_runtime::Retry;
use worker_runtime::health::HealthHandle;
use worker_runtime::shutdown::ShutdownSignal;

/// Tells the reader that everything up to here is settled.
pub(super) type SettledSignal = oneshot::Sender<()>;

/// A batch on its way from the reader.
pub(super) struct ReadBatch {
    /// Its commands; none if nothing came in time.
    pub(super) deliveries: Vec<ReceivedCommand>,
    /// If the reader waits for it.
    pub(super) settled: Option<SettledSignal>,
}

/// A batch that is stored.
pub(super) struct StoredBatch {
    /// What is to be settled.
    pub(super) settlement: Settlement,
    /// If the reader waits for it.
    pub(super) settled: Option<SettledSignal>,
}

/// Reads until it is time to stop, or a later stage has ended. Gives the reader back, to leave with.
pub(super) async fn read<R: CommandReader>(
    mut reader: R,
    to_store: mpsc::Sender<ReadBatch>,
    stop: &ShutdownSignal,
) -> Result<R, Interruption> {
    while !stop.requested() {
        let Batch { deliveries, isolated: alone } = reader.read().await?;
        // When nothing comes, the idle check must see a lane with nothing in work.
        let (settled, wait) = match alone || deliveries.is_empty() {
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
            // An error means that the lane is interrupted, which the stage that did it tells.
            let _ = wait.await;
        }
    }
    Ok(reader)
}

/// Settles what is stored, in order.
pub(super) async fn settle(
    settler: &mut impl CommandSettler,
    mut stored: mpsc::Receiver<StoredBatch>,
    partition: PartitionId,
    health: &HealthHandle,
    retry: &mut Retry,
) -> Result<(), Interruption> {
    while let Some(StoredBatch { settlement, settled }) = stored.recv().await {
        if settlement.is_empty() {
            // Nothing came: a writer that stored and died, or published beside us, must not go unnoticed.
            if settler.stream_head().await? != settlement.after {
                return Err(Interruption::Conflict("the event stream does not end at the head"));
            }
        } else {
            let began = Instant::now();
            if settler.settle(&settlement).await? == PublishResult::StreamMoved {
                return Err(Interruption::Conflict("the event stream moved"));
            }
            instrumentation::settled(partition, began.elapsed().as_secs_f64());
            settlement.dead.iter().for_each(|letter| instrumentation::dead_letter(partition, &letter.reason));
        }
        retry.succeeded();
        health.set_up();
        if let Some(settled) = settled {
            // The reader may have gone.
            let _ = settled.send(());
        }
    }
    Ok(())
}
