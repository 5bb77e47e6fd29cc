//! Command streams of a partition, for its writer: commands in through the consumer group `writer`
//! ([`RedisCommandReader`]), events out ([`RedisCommandSettler`]). Each half has its own connection, so that
//! a blocked read delays nothing else.

mod reader;
mod settler;

pub use reader::RedisCommandReader;
pub use settler::RedisCommandSettler;

use crate::{RedisServer, keys, unavailable};
use auction_app::ports::Unavailable;
use auction_app::ports::commands::command_stream::CommandStreamConnector;
use auction_wire::{Channel, PartitionCount, PartitionId};
use redis::{Value, pipe};
use std::time::Duration;
use stream_worker::consumer::fresh_name;
use stream_worker::crash_tracking::clear_own_mark;
use stream_worker::value::text;
use stream_worker::{
    ConsumerOptions, CrashTrackingOptions, DedicatedConnection, EntryId, GroupConsumer, StreamError,
};

/// Consumer group of all writers.
pub const GROUP: &str = "writer";

/// Number of crashed processes after which pending commands are delivered one at a time.
const ISOLATE_AFTER: u32 = 2;

/// Longest time to check whether a command is acknowledged.
const CHECK_DEADLINE: Duration = Duration::from_secs(2);

/// Longest time to clear the own crash mark, which is best effort.
const CLEAR_DEADLINE: Duration = Duration::from_secs(1);

/// Configuration of reading commands.
#[derive(Clone, Debug)]
pub struct CommandStreamOptions {
    /// Maximum number of commands of each channel in one batch.
    pub max_batch: usize,
    /// Longest time that a read waits for commands.
    pub block: Duration,
    /// Time to wait for more commands after a partial batch ([`ConsumerOptions::linger`]).
    pub linger: Duration,
    /// Whether writers take turns under a partition lock. A read then does not wait; `block` is the longest
    /// time of a separate wait.
    pub pessimistic: bool,
    /// Largest difference by which the time of a command, set by Redis, may be ahead of this machine's clock.
    /// A larger one stops the partition until an operator fixes the clock: a wrong clock would close every
    /// auction.
    pub max_clock_skew: Duration,
}

/// Opens the command streams of one Redis.
#[derive(Clone, Debug)]
pub struct RedisCommandStreams {
    server: RedisServer,
    partitions: PartitionCount,
    options: CommandStreamOptions,
    /// Unique name of this process, never used by another one.
    process: String,
}

impl RedisCommandStreams {
    pub fn new(
        server: impl Into<RedisServer>,
        partitions: PartitionCount,
        options: CommandStreamOptions,
    ) -> RedisCommandStreams {
        RedisCommandStreams { server: server.into(), partitions, options, process: fresh_name() }
    }

    /// Returns the name of this process in the crash marks (`ap:{NN}:crash-marks`).
    pub fn process(&self) -> &str {
        &self.process
    }

    fn crash_tracking(&self, partition: PartitionId) -> CrashTrackingOptions {
        CrashTrackingOptions {
            marks_key: keys::crash_marks(partition),
            process: self.process.clone(),
            isolate_after: ISOLATE_AFTER,
        }
    }

    async fn clear_own_mark(&self, partition: PartitionId) -> Result<(), StreamError> {
        let mut connection = DedicatedConnection::open(&self.server, CLEAR_DEADLINE).await?;
        clear_own_mark(&mut connection, &self.crash_tracking(partition)).await
    }
}

impl CommandStreamConnector for RedisCommandStreams {
    type Reader = RedisCommandReader;
    type Settler = RedisCommandSettler;

    async fn open(
        &self,
        partition: PartitionId,
    ) -> Result<(RedisCommandReader, RedisCommandSettler), Unavailable> {
        let options = ConsumerOptions {
            group: GROUP.to_owned(),
            streams: Channel::ALL.iter().map(|channel| keys::commands(partition, *channel)).collect(),
            priority_streams: 2,
            count: self.options.max_batch,
            block: self.options.block,
            blocking: !self.options.pessimistic,
            linger: self.options.linger,
            ack_required: true,
            crash_tracking: Some(self.crash_tracking(partition)),
        };
        let consumer = GroupConsumer::open(&self.server, options).await.map_err(unavailable)?;
        let settler = RedisCommandSettler::open(&self.server, partition).await?;
        let max_clock_skew = self.options.max_clock_skew;
        Ok((RedisCommandReader::new(consumer, partition, self.partitions, max_clock_skew), settler))
    }

    async fn is_acknowledged(
        &self,
        partition: PartitionId,
        channel: Channel,
        entry: EntryId,
    ) -> Result<bool, Unavailable> {
        let mut connection =
            DedicatedConnection::open(&self.server, CHECK_DEADLINE).await.map_err(unavailable)?;
        let mut pending = pipe();
        pending.cmd("XPENDING").arg(keys::commands(partition, channel)).arg(GROUP);
        match connection.send(&pending).await.map_err(unavailable)?.as_slice() {
            [Value::Array(summary)] => Ok(match summary.get(1).and_then(text) {
                // The writers acknowledge the commands of a channel in order.
                Some(oldest) => {
                    let invalid = |error| Unavailable::new("redis", error);
                    oldest.parse::<EntryId>().map_err(invalid)? > entry
                }
                None => true,
            }),
            // The stream or its group was lost, and the command with it.
            [Value::ServerError(error)] if error.code() == "NOGROUP" => Ok(true),
            other => Err(Unavailable::new("redis", format!("unexpected reply to XPENDING: {other:?}"))),
        }
    }

    async fn on_interrupted(&self, partition: PartitionId) {
        // If Redis is unavailable, the mark stays: at worst, a command is delivered alone without need.
        if let Err(error) = self.clear_own_mark(partition).await {
            tracing::debug!(%partition, %error, "failed to clear the crash mark");
        }
    }
}
