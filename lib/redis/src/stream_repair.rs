//! Moves command streams back whose ids are ahead of the clock, after the clock of Redis was wrong.

use crate::command_stream::GROUP;
use crate::pool::PooledConnection;
use crate::{RedisPool, client_error, keys};
use auction_app::ports::Unavailable;
use auction_wire::{Channel, PartitionId};
use redis::cmd;
use std::time::Duration;

const REPAIR: &str = include_str!("stream_repair/repair.lua");

/// Idle time below which a consumer counts as working. A working writer reads twice a second.
const WORKING: Duration = Duration::from_secs(10);

/// Maximum number of entries that one call handles.
const MAX_ENTRIES: usize = 1000;

/// Number of looks at consumers that have been idle for no time, and the interval between them. A writer is idle
/// for a part of the time; a consumer whose last read is in the future never is.
const LOOKS: usize = 25;
const LOOK_INTERVAL: Duration = Duration::from_millis(20);

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

/// Repairs the command streams of these partitions. Each stream is replaced in one step. Returns those that are ahead.
///
/// Leases of `lease_ttl`, registrations and consumers that were written while the clock was ahead count as those of
/// no writer: they outlast their processes.
pub async fn repair(
    pool: &RedisPool,
    partitions: &[PartitionId],
    lease_ttl: Duration,
    mode: RepairMode,
) -> Result<Vec<StreamRepair>, Unavailable> {
    let mut connection = pool.get().await?;
    let lease_ms = lease_ttl.as_millis() as u64;
    let writers = registered_writers(&mut connection, lease_ms).await?;
    let mut repairs = Vec::new();
    for partition in partitions {
        for channel in Channel::ALL {
            let stream = Repair { partition: *partition, channel, writers: &writers, lease_ms };
            repairs.extend(stream.run(&mut connection, mode).await?);
        }
    }
    Ok(repairs)
}

/// Returns the writers that have registered at the present time, and not in the future.
async fn registered_writers(
    connection: &mut PooledConnection,
    lease_ms: u64,
) -> Result<Vec<String>, Unavailable> {
    let (seconds, micros): (u64, u64) = cmd("TIME").query_async(connection).await.map_err(client_error)?;
    let now = 1000 * seconds + micros / 1000;
    let mut registered = cmd("ZRANGEBYSCORE");
    registered.arg(keys::members(GROUP)).arg(now.saturating_sub(lease_ms)).arg(now + lease_ms);
    registered.query_async(connection).await.map_err(client_error)
}

/// Sign of a writer that works on a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum WriterSign {
    None,
    Working,
    /// The only sign is a consumer that has been idle for no time.
    NeverIdle,
}

/// Result of one call.
struct RepairedPart {
    ahead_ms: u64,
    sign: WriterSign,
    kept: u64,
    moved: u64,
    removed: u64,
    /// Id after which the next part begins; empty at the end.
    cursor: String,
    /// Time in milliseconds up to which ids are right.
    right_up_to: u64,
}

/// Repair of one stream.
struct Repair<'a> {
    partition: PartitionId,
    channel: Channel,
    writers: &'a [String],
    lease_ms: u64,
}

impl Repair<'_> {
    /// Returns what is done; none if the stream is not ahead.
    async fn run(
        &self,
        connection: &mut PooledConnection,
        mode: RepairMode,
    ) -> Result<Option<StreamRepair>, Unavailable> {
        let ignore_never_idle = self.is_never_idle(connection).await?;
        let mut repair: Option<StreamRepair> = None;
        let (mut cursor, mut right_up_to) = ("0-0".to_owned(), None);
        loop {
            let part = self.part(connection, mode, &cursor, right_up_to, ignore_never_idle).await?;
            if part.ahead_ms == 0 {
                return Ok(repair);
            }
            let found = repair.get_or_insert_with(|| StreamRepair {
                key: keys::commands(self.partition, self.channel),
                ahead: Duration::from_millis(part.ahead_ms),
                has_writer: false,
                kept: 0,
                moved: 0,
                removed: 0,
            });
            found.kept += part.kept;
            found.moved += part.moved;
            found.removed += part.removed;
            found.has_writer |= part.sign != WriterSign::None;
            // A writer that starts meanwhile ends the repair before the stream is replaced.
            if part.cursor.is_empty() || (found.has_writer && mode == RepairMode::Apply) {
                return Ok(repair);
            }
            (cursor, right_up_to) = (part.cursor, Some(part.right_up_to));
        }
    }

    /// Returns whether the only sign of a writer is a consumer that is never idle.
    async fn is_never_idle(&self, connection: &mut PooledConnection) -> Result<bool, Unavailable> {
        for _ in 0..LOOKS {
            let part = self.part(connection, RepairMode::Plan, "0-0", None, false).await?;
            if part.sign != WriterSign::NeverIdle {
                return Ok(false);
            }
            tokio::time::sleep(LOOK_INTERVAL).await;
        }
        Ok(true)
    }

    async fn part(
        &self,
        connection: &mut PooledConnection,
        mode: RepairMode,
        cursor: &str,
        right_up_to: Option<u64>,
        ignore_never_idle: bool,
    ) -> Result<RepairedPart, Unavailable> {
        let mut call = cmd("EVAL");
        call.arg(REPAIR).arg(3).arg(keys::commands(self.partition, self.channel));
        call.arg(keys::lease(self.partition, GROUP))
            .arg(keys::repaired_commands(self.partition, self.channel));
        call.arg(GROUP).arg(if mode == RepairMode::Apply { "apply" } else { "plan" });
        call.arg(cursor).arg(MAX_ENTRIES).arg(right_up_to.map(|ms| ms.to_string()).unwrap_or_default());
        call.arg(WORKING.as_millis() as u64).arg(u8::from(ignore_never_idle));
        call.arg(self.lease_ms).arg(self.writers);
        let (ahead_ms, sign, kept, moved, removed, cursor, right_up_to): (
            u64,
            u8,
            u64,
            u64,
            u64,
            String,
            u64,
        ) = call.query_async(connection).await.map_err(client_error)?;
        let sign = match sign {
            0 => WriterSign::None,
            1 => WriterSign::Working,
            _ => WriterSign::NeverIdle,
        };
        Ok(RepairedPart { ahead_ms, sign, kept, moved, removed, cursor, right_up_to })
    }
}
