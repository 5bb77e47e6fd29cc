//! Pessimistic mode: several writers share a partition and take turns.
//!
//! In a turn a writer takes the partition lock, takes over what other writers left, decides and settles the
//! commands that are there, and releases the lock. Correctness does not depend on the lock but on the
//! conditional append, as in the other modes. This mode is slower, since the stages do not overlap.

use super::append_stage::AppendStage;
use super::decider::Decider;
use super::partition_writer::{Interruption, PartitionWriter};
use super::stages::{ReadBatch, settle};
use super::takeover::take_over;
use super::unknown_kinds::PartitionEnd;
use crate::ports::commands::command_stream::{
    CommandReader, CommandSettler, CommandStreamConnector, ReceivedCommand,
};
use crate::ports::events::event_store::{EventStore, EventStoreConnector};
use crate::ports::events::partition_lock::{PartitionLock, PartitionLockConnector};
use auction_wire::Channel;
use futures_util::try_join;
use tokio::sync::mpsc;

/// Maximum number of reads in a turn while they return creations only.
///
/// Each turn starts with creations. With one read per turn, one creation per turn would delay bids forever.
/// Three reads are enough for the creations that another writer left, new creations, and then bids.
const MAX_READS: usize = 3;

/// Connections and parameters of all turns.
struct Turns<'a, S, Reader, Settler> {
    appending: S,
    loading: S,
    reader: Reader,
    settler: Settler,
    writer: &'a PartitionWriter,
}

/// Result of a turn.
struct Turn {
    /// Decider at the head after the turn.
    decider: Decider,
    /// Whether there was nothing to do.
    idle: bool,
}

/// Takes turns until shutdown.
pub(super) async fn with_partition_lock(
    stores: &impl EventStoreConnector,
    streams: &impl CommandStreamConnector,
    locks: &impl PartitionLockConnector,
    writer: &PartitionWriter,
) -> Result<(), Interruption> {
    let (appending, loading, mut lock) =
        try_join!(stores.open(), stores.open(), locks.open(writer.partition))?;
    let (reader, settler) = streams.open(writer.partition).await?;
    let mut turns = Turns { appending, loading, reader, settler, writer };
    let mut decider = None;
    while !writer.supervisor.stopping() {
        if !lock.take().await? {
            continue;
        }
        let Turn { decider: used, idle } = turns.turn(decider.take()).await?;
        lock.release().await?;
        decider = Some(used);
        if idle {
            // Waits without the lock, so that other writers can take their turn.
            turns.reader.wait().await?;
        }
    }
    Ok(turns.reader.leave_group().await?)
}

impl<S: EventStore, Reader: CommandReader, Settler: CommandSettler> Turns<'_, S, Reader, Settler> {
    /// Runs one turn under the lock: takes over what another writer left, then processes commands.
    async fn turn(&mut self, decider: Option<Decider>) -> Result<Turn, Interruption> {
        let PartitionWriter { partition, config, supervisor, .. } = self.writer;
        let (partition, stop) = (*partition, &supervisor.stop());
        let head = take_over(&mut self.appending, &mut self.settler, partition, stop).await?;
        let current = decider.filter(|decider| Some(decider.head()) == head);
        let mut decider =
            current.unwrap_or_else(|| Decider::new(partition, head.unwrap_or_default(), *config));
        self.reader.take_over().await?;
        for read in 0..MAX_READS {
            let mut deliveries = self.reader.read().await?.deliveries;
            // Without a head, the shutdown interrupted the takeover.
            if deliveries.is_empty() || head.is_none() {
                supervisor.succeeded();
                return Ok(Turn { decider, idle: read == 0 });
            }
            let undecidable = self.writer.unknown_kinds.split_off(&mut deliveries);
            let creations_only = deliveries.iter().all(|delivery| delivery.channel != Channel::Bid);
            self.store(&mut decider, deliveries).await?;
            if let Some(command) = undecidable {
                return Err(Interruption::Fatal(PartitionEnd::HandOver(command)));
            }
            if !creations_only {
                break;
            }
        }
        Ok(Turn { decider, idle: false })
    }

    /// Decides, appends and settles one batch.
    async fn store(
        &mut self,
        decider: &mut Decider,
        deliveries: Vec<ReceivedCommand>,
    ) -> Result<(), Interruption> {
        let PartitionWriter { partition, snapshots, unknown_kinds, supervisor, .. } = self.writer;
        let (to_store, batches) = mpsc::channel(1);
        let (to_settle, stored) = mpsc::channel(1);
        // The channel has room for one batch.
        let _ = to_store.try_send(ReadBatch { deliveries, settled: None });
        drop(to_store);
        let append_stage = AppendStage::new(
            decider,
            &mut self.loading,
            &mut self.appending,
            to_settle,
            snapshots,
            unknown_kinds,
        );
        try_join!(append_stage.run(batches), settle(&mut self.settler, stored, *partition, supervisor))?;
        Ok(())
    }
}
