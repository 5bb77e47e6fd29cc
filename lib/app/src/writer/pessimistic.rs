//! Pessimistic lanes: several writers share a partition by turns. Each takes its lock, looks what the
//! others did, decides and settles what is there, and lets the next one have it. Correct as the other
//! lanes are, and for the same reason (the guard of the append); slower, since nothing overlaps.

use super::append_stage::AppendStage;
use super::decider::Decider;
use super::partition_writer::{Interruption, PartitionWriter};
use super::stages::{ReadBatch, settle};
use super::takeover::take_over;
use crate::ports::commands::command_stream::{
    CommandReader, CommandSettler, CommandStreamConnector, ReceivedCommand,
};
use crate::ports::events::event_store::{EventStore, EventStoreConnector};
use crate::ports::events::partition_lock::{PartitionLock, PartitionLockConnector};
use auction_wire::Channel;
use futures_util::try_join;
use tokio::sync::mpsc;
use worker_runtime::Retry;

/// A turn reads so often at most while nothing but creations comes: each turn begins with the creations anew, and if one
/// read were all, one creation a turn would hold up the bids for ever. Enough for creations that another writer left,
/// those that are new, and then the bids.
const READS: usize = 3;

/// What a turn needs.
struct Turns<'a, S, Reader, Settler> {
    appending: S,
    loading: S,
    reader: Reader,
    settler: Settler,
    lane: &'a PartitionWriter,
    retry: &'a mut Retry,
}

/// What a turn leaves behind.
struct Turn {
    /// The state at the head.
    desk: Decider,
    /// There was nothing to do.
    idle: bool,
}

/// Takes turns until it is time to stop.
pub(super) async fn with_partition_lock(
    stores: &impl EventStoreConnector,
    lanes: &impl CommandStreamConnector,
    locks: &impl PartitionLockConnector,
    lane: &PartitionWriter,
    retry: &mut Retry,
) -> Result<(), Interruption> {
    let (appending, loading, mut lock) = try_join!(stores.open(), stores.open(), locks.open(lane.partition))?;
    let (reader, settler) = lanes.open(lane.partition).await?;
    let mut turns = Turns { appending, loading, reader, settler, lane, retry };
    let mut desk = None;
    while !lane.stop.requested() {
        if !lock.take().await? {
            continue;
        }
        let Turn { desk: known, idle } = turns.turn(desk.take()).await?;
        lock.release().await?;
        desk = Some(known);
        if idle {
            // Without the lock: whoever waits for commands holds up nobody.
            turns.reader.wait().await?;
        }
    }
    Ok(turns.reader.leave_group().await?)
}

impl<S: EventStore, Reader: CommandReader, Settler: CommandSettler> Turns<'_, S, Reader, Settler> {
    /// One turn, under the lock: first what another writer may have left, then what is there.
    async fn turn(&mut self, desk: Option<Decider>) -> Result<Turn, Interruption> {
        let PartitionWriter { partition, limits, health, stop, .. } = self.lane;
        let partition = *partition;
        let head = take_over(&mut self.appending, &mut self.settler, partition, stop).await?;
        let known = desk.filter(|desk| Some(desk.head()) == head);
        let mut desk = match known {
            Some(desk) => desk,
            None => {
                let deletions = self.loading.newest_deletion().await?;
                Decider::new(partition, head.unwrap_or_default(), deletions, *limits)
            }
        };
        self.reader.take_over().await?;
        for read in 0..READS {
            let deliveries = self.reader.read().await?.deliveries;
            // No head: it is time to stop, and not all is published.
            if deliveries.is_empty() || head.is_none() {
                health.set_up();
                self.retry.succeeded();
                return Ok(Turn { desk, idle: read == 0 });
            }
            let creations_only = deliveries.iter().all(|delivery| delivery.channel != Channel::Bid);
            self.store(&mut desk, deliveries).await?;
            if !creations_only {
                break;
            }
        }
        Ok(Turn { desk, idle: false })
    }

    /// Decides, stores and settles what was read.
    async fn store(
        &mut self,
        desk: &mut Decider,
        deliveries: Vec<ReceivedCommand>,
    ) -> Result<(), Interruption> {
        let PartitionWriter { partition, snapshots, health, .. } = self.lane;
        let (to_store, batches) = mpsc::channel(1);
        let (to_settle, stored) = mpsc::channel(1);
        // There is room for one.
        let _ = to_store.try_send(ReadBatch { deliveries, settled: None });
        drop(to_store);
        let storing = AppendStage::new(desk, &mut self.loading, &mut self.appending, to_settle, snapshots);
        try_join!(storing.run(batches), settle(&mut self.settler, stored, *partition, health, self.retry))?;
        Ok(())
    }
}
