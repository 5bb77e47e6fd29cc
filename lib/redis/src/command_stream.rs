//! A writer's lane: commands in through the consumer group `writer` ([`RedisCommandReader`]), events out
//! ([`RedisCommandSettler`]). Each half has a connection of its own, so that a blocked read holds up nothing.

mod reader;
mod settler;

pub use reader::RedisCommandReader;
pub use settler::RedisCommandSettler;

use crate::{RedisServer, keys, unavailable};
use auction_app::ports::Unavailable;
use auction_app::ports::commands::command_stream::CommandStreamConnector;
use auction_wire::{Channel, PartitionCount, PartitionId};
use std::time::Duration;
use stream_worker::consumer::fresh_name;
use stream_worker::crash_tracking::clear_own_mark;
use stream_worker::{ConsumerOptions, CrashTrackingOptions, DedicatedConnection, GroupConsumer, StreamError};

/// The consumer group of all writers.
pub const GROUP: &str = "writer";

/// After so many processes that ended while they handled what others had left, commands are handled alone.
const ALONE_AFTER: u32 = 2;

/// How long a word to Redis may take that does not matter much.
const DEADLINE: Duration = Duration::from_secs(1);

/// How a writer reads.
#[derive(Clone, Debug)]
pub struct CommandStreamOptions {
    /// At most so many commands of each channel at a time.
    pub batch: usize,
    /// How long a read waits when there are none.
    pub block: Duration,
    /// How long commands gather after a read ([`ConsumerOptions::gather`]).
    pub gather: Duration,
    /// Writers take turns under a lock: a read does not wait, and `block` is how long a wait takes.
    pub by_turns: bool,
    /// A command whose time, which is Redis's, is further ahead of this machine's clock than this stops
    /// the lane until somebody has looked: a clock that jumped would close every auction.
    pub clock_tolerance: Duration,
}

/// Makes lanes on one Redis.
#[derive(Clone, Debug)]
pub struct RedisCommandStreams {
    server: RedisServer,
    partitions: PartitionCount,
    options: CommandStreamOptions,
    /// This process, as distinct from any other that ever was.
    process: String,
}

impl RedisCommandStreams {
    /// For all partitions.
    pub fn new(
        server: impl Into<RedisServer>,
        partitions: PartitionCount,
        options: CommandStreamOptions,
    ) -> RedisCommandStreams {
        RedisCommandStreams { server: server.into(), partitions, options, process: fresh_name() }
    }

    /// What this process is called where it says what it has in work (`ap:{NN}:suspects`).
    pub fn process(&self) -> &str {
        &self.process
    }

    fn suspects(&self, partition: PartitionId) -> CrashTrackingOptions {
        CrashTrackingOptions {
            marker: keys::suspects(partition),
            process: self.process.clone(),
            one_by_one_after: ALONE_AFTER,
        }
    }

    async fn absolve(&self, partition: PartitionId) -> Result<(), StreamError> {
        let mut connection = DedicatedConnection::open(&self.server, DEADLINE).await?;
        clear_own_mark(&mut connection, &self.suspects(partition)).await.map(drop)
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
            count: self.options.batch,
            block: self.options.block,
            blocking: !self.options.by_turns,
            linger: self.options.gather,
            ack_required: true,
            crash_tracking: Some(self.suspects(partition)),
        };
        let consumer = GroupConsumer::open(&self.server, options).await.map_err(unavailable)?;
        let settler = RedisCommandSettler::open(&self.server, partition).await?;
        let clock_tolerance = self.options.clock_tolerance;
        Ok((RedisCommandReader::new(consumer, partition, self.partitions, clock_tolerance), settler))
    }

    async fn on_interrupted(&self, partition: PartitionId) {
        // If Redis is away, the worst that comes of it is a command handled alone.
        if let Err(error) = self.absolve(partition).await {
            tracing::debug!(%partition, %error, "could not say that no command is to blame");
        }
    }
}
