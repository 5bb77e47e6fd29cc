//! Moves command streams back whose ids are ahead of the clock, after the clock of Redis was wrong.

use crate::command_stream::GROUP;
use crate::{RedisPool, client_error, keys};
use auction_app::ports::Unavailable;
use auction_wire::{Channel, PartitionId};
use redis::cmd;
use std::time::Duration;

const REPAIR: &str = include_str!("stream_repair/repair.lua");

/// Idle time below which a consumer counts as working. A working writer reads twice a second.
const WORKING: Duration = Duration::from_secs(10);

/// Command stream whose newest id is ahead of the clock, and what a repair does with its commands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamRepair {
    /// Key of the stream.
    pub key: String,
    /// Difference of the newest id and the clock of Redis.
    pub ahead: Duration,
    /// Whether a writer works on the partition. The stream is not changed meanwhile.
    pub has_writer: bool,
    /// Number of undecided commands that keep their id.
    pub kept: u64,
    /// Number of undecided commands that get the current time.
    pub moved: u64,
    /// Number of decided commands that are removed from the stream.
    pub removed: u64,
}

/// Kind of a run: whether a repair changes the streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RepairMode {
    /// The streams stay as they are.
    Plan,
    /// The streams are changed, unless writers read them.
    Apply,
}

/// Repairs the command streams of these partitions, each in one step. Returns those that are ahead.
pub async fn repair(
    pool: &RedisPool,
    partitions: &[PartitionId],
    mode: RepairMode,
) -> Result<Vec<StreamRepair>, Unavailable> {
    let mode = if mode == RepairMode::Apply { "apply" } else { "plan" };
    let working_ms = WORKING.as_millis() as u64;
    let mut connection = pool.get().await?;
    let mut repairs = Vec::new();
    for partition in partitions {
        for channel in Channel::ALL {
            let key = keys::commands(*partition, channel);
            let mut call = cmd("EVAL");
            call.arg(REPAIR).arg(2).arg(&key).arg(keys::lease(*partition, GROUP));
            call.arg(GROUP).arg(working_ms).arg(mode);
            let (ahead, has_writer, kept, moved, removed): (u64, bool, u64, u64, u64) =
                call.query_async(&mut connection).await.map_err(client_error)?;
            let ahead = Duration::from_millis(ahead);
            if !ahead.is_zero() {
                repairs.push(StreamRepair { key, ahead, has_writer, kept, moved, removed });
            }
        }
    }
    Ok(repairs)
}
