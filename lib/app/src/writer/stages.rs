//! The first and the last stage of a lane: reading commands, and settling what is stored.
//!
//! ```text
//! read k+1 ──▶ decide k+1 while k is being stored ──▶ settle k−1
//! ```
//!
//! Between two stages at most a batch or two wait; a stage that is slow holds up the one before, and so
//! nothing more is read.

use super::partition_writer::Interrupted;
use crate::instrumentation;
use crate::ports::commands::command_stream::{
    Batch, CommandReader, CommandSettler, Delivery, Published, Settlement,
};
use auction_wire::PartitionId;
use std::time::Instant;
use tokio::sync::{mpsc, oneshot};
use worker_runtime::Retry;
use worker_runtime::health::Part;
use worker_runtime::shutdown::Stop;

/// Tells the reader that everything up to here is settled.
pub(super) type Settled = oneshot::Sender<()>;

/// A batch on its way from the reader.
pub(super) struct Read {
    /// Its commands; none if nothing came in time.
    pub(super) deliveries: Vec<Delivery>,
    /// If the reader waits for it.
    pub(super) settled: Option<Settled>,
}

/// A batch that is stored.
pub(super) struct Stored {
    /// What is to be settled.
    pub(super) settlement: Settlement,
    /// If the reader waits for it.
    pub(super) settled: Option<Settled>,
}

/// Reads until it is time to stop, or a later stage has ended. Gives the reader back, to leave with.
pub(super) async fn read<R: CommandReader>(
    mut reader: R,
    to_store: mpsc::Sender<Read>,
    stop: &Stop,
) -> Result<R, Interrupted> {
    while !stop.requested() {
        let Batch { deliveries, alone } = reader.read().await?;
        // When nothing comes, the idle check must see a lane with nothing in work.
        let (settled, wait) = match alone || deliveries.is_empty() {
            true => {
                let (settled, wait) = oneshot::channel();
                (Some(settled), Some(wait))
            }
            false => (None, None),
        };
        if to_store.send(Read { deliveries, settled }).await.is_err() {
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
    mut stored: mpsc::Receiver<Stored>,
    partition: PartitionId,
    health: &Part,
    retry: &mut Retry,
) -> Result<(), Interrupted> {
    while let Some(Stored { settlement, settled }) = stored.recv().await {
        if settlement.is_empty() {
            // Nothing came: a writer that stored and died, or published beside us, must not go unnoticed.
            if settler.stream_head().await? != settlement.after {
                return Err(Interrupted::Conflict("the event stream does not end at the head"));
            }
        } else {
            let began = Instant::now();
            if settler.settle(&settlement).await? == Published::StreamMoved {
                return Err(Interrupted::Conflict("the event stream moved"));
            }
            instrumentation::settled(partition, began.elapsed().as_secs_f64());
            settlement.dead.iter().for_each(|letter| instrumentation::dead_letter(partition, &letter.reason));
        }
        retry.succeeded();
        health.works();
        if let Some(settled) = settled {
            // The reader may have gone.
            let _ = settled.send(());
        }
    }
    Ok(())
}
