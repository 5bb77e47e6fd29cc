//! Reads commands of a partition.

use crate::unavailable;
use auction_app::ports::Unavailable;
use auction_app::ports::commands::command_stream::{
    Batch, CommandReader, Failure, FailureReason, PoisonMessage, ReceivedCommand,
};
use auction_wire::{Channel, Command, DecodeError, PartitionCount, PartitionId};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use stream_worker::{Entry, EntryBatch, GroupConsumer};

/// Number of processes that may crash with a command before it becomes a dead letter.
const MAX_CRASHES: u32 = 3;

/// Reader of the commands of a partition.
pub struct RedisCommandReader {
    consumer: GroupConsumer,
    partition: PartitionId,
    partitions: PartitionCount,
    max_clock_skew: Duration,
}

impl RedisCommandReader {
    pub(super) fn new(
        consumer: GroupConsumer,
        partition: PartitionId,
        partitions: PartitionCount,
        max_clock_skew: Duration,
    ) -> RedisCommandReader {
        RedisCommandReader { consumer, partition, partitions, max_clock_skew }
    }

    /// Decodes an entry. The entry becomes a poison message if it is unreadable, belongs to another stream,
    /// or crashed too many processes.
    fn delivery(&self, entry: Entry, crashes: u32) -> ReceivedCommand {
        let channel = Channel::ALL[entry.stream];
        let fields = || entry.copied_fields();
        let command = match self.readable(channel, &entry) {
            Ok(command) if crashes < MAX_CRASHES => Ok(command),
            Ok(_) => {
                let error = format!("{crashes} processes crashed while they processed it");
                Err(PoisonMessage {
                    failure: Failure { reason: FailureReason::CrashedProcess, error },
                    fields: fields(),
                    has_unknown_kind: false,
                })
            }
            Err(error) => {
                let has_unknown_kind = error.is_unknown_kind();
                let failure = Failure { reason: FailureReason::Unreadable, error: error.to_string() };
                Err(PoisonMessage { failure, fields: fields(), has_unknown_kind })
            }
        };
        ReceivedCommand { channel, entry: entry.id, command }
    }

    fn readable(&self, channel: Channel, entry: &Entry) -> Result<Command, DecodeError> {
        let command = Command::from_fields(&entry.fields)?;
        let (belongs, here) = (self.partitions.of(command.key), self.partition);
        if belongs != here {
            let reason = format!("belongs to partition {belongs}, not {here}");
            return Err(DecodeError::BadField { field: "key", reason });
        }
        if command.body.channel() != channel {
            let reason = format!("belongs on the channel `{}`", command.body.channel().name());
            return Err(DecodeError::BadField { field: "kind", reason });
        }
        Ok(command)
    }

    /// Returns an error if the clock of Redis, which sets the times of commands, is ahead of this machine's
    /// clock.
    fn check_clock(&self, entries: &[Entry]) -> Result<(), Unavailable> {
        let Some(newest) = entries.iter().max_by_key(|entry| entry.id) else { return Ok(()) };
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let ahead = Duration::from_millis(newest.id.ms).saturating_sub(now);
        if ahead <= self.max_clock_skew {
            return Ok(());
        }
        let (stream, id) = (&self.consumer.options().streams[newest.stream], newest.id);
        let reason = format!(
            "the time of entry {id} of {stream} is {} s ahead of this machine's clock, and auctions close by that \
             time. Fix the clock that is wrong. If the clock of Redis was wrong, wait until that time after fixing \
             it, run `portal streams repair`, or raise writer.max_clock_skew_seconds",
            ahead.as_secs()
        );
        Err(Unavailable::new("redis", reason))
    }
}

impl CommandReader for RedisCommandReader {
    async fn read(&mut self) -> Result<Batch, Unavailable> {
        let EntryBatch { entries, isolated, crashes } = self.consumer.read().await.map_err(unavailable)?;
        self.check_clock(&entries)?;
        let deliveries = entries.into_iter().map(|entry| self.delivery(entry, crashes)).collect();
        Ok(Batch { deliveries, isolated })
    }

    async fn wait(&mut self) -> Result<(), Unavailable> {
        self.consumer.wait().await.map_err(unavailable)
    }

    async fn take_over(&mut self) -> Result<(), Unavailable> {
        self.consumer.take_over().await.map_err(unavailable)
    }

    async fn leave_group(self) -> Result<(), Unavailable> {
        self.consumer.leave().await.map_err(unavailable)
    }
}
