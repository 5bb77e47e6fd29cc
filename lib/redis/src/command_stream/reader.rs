//! Commands in.

use crate::unavailable;
use auction_app::ports::Unavailable;
use auction_app::ports::commands::command_stream::{
    Batch, CommandReader, Failure, FailureReason, PoisonMessage, ReceivedCommand,
};
use auction_wire::{Channel, Command, DecodeError, PartitionCount, PartitionId};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use stream_worker::{Entry, EntryBatch, GroupConsumer};

/// So many processes may end while they handle a command; then it is not handled any more.
const DEATHS: u32 = 3;

/// The reading half of a lane.
pub struct RedisCommandReader {
    consumer: GroupConsumer,
    partition: PartitionId,
    partitions: PartitionCount,
    clock_tolerance: Duration,
}

impl RedisCommandReader {
    pub(super) fn new(
        consumer: GroupConsumer,
        partition: PartitionId,
        partitions: PartitionCount,
        clock_tolerance: Duration,
    ) -> RedisCommandReader {
        RedisCommandReader { consumer, partition, partitions, clock_tolerance }
    }

    /// What was read, if it belongs here and has not ended `deaths` processes.
    fn delivery(&self, entry: Entry, deaths: u32) -> ReceivedCommand {
        let channel = Channel::ALL[entry.stream];
        let fields = || entry.copied_fields();
        let command = match self.readable(channel, &entry) {
            Ok(command) if deaths < DEATHS => Ok(command),
            Ok(_) => {
                let error = format!("{deaths} processes ended while they handled it");
                Err(PoisonMessage {
                    failure: Failure { reason: FailureReason::CrashedProcess, error },
                    fields: fields(),
                })
            }
            Err(error) => {
                let failure = Failure { reason: FailureReason::Unreadable, error: error.to_string() };
                Err(PoisonMessage { failure, fields: fields() })
            }
        };
        ReceivedCommand { channel, entry: entry.id, command }
    }

    fn readable(&self, channel: Channel, entry: &Entry) -> Result<Command, DecodeError> {
        let command = Command::from_fields(&entry.fields)?;
        let (belongs, here) = (self.partitions.of(command.key), self.partition);
        if belongs != here {
            let why = format!("belongs to partition {belongs}, not {here}");
            return Err(DecodeError::BadField { field: "key", why });
        }
        if command.body.channel() != channel {
            let why = format!("belongs on the channel `{}`", command.body.channel().name());
            return Err(DecodeError::BadField { field: "kind", why });
        }
        Ok(command)
    }

    /// The times of commands are those of Redis's clock: is that one to be trusted?
    fn check_clock(&self, entries: &[Entry]) -> Result<(), Unavailable> {
        let Some(newest) = entries.iter().max_by_key(|entry| entry.id) else { return Ok(()) };
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let ahead = Duration::from_millis(newest.id.ms).saturating_sub(now);
        if ahead <= self.clock_tolerance {
            return Ok(());
        }
        let (stream, id) = (&self.consumer.options().streams[newest.stream], newest.id);
        let why = format!(
            "entry {id} of {stream} is {} s ahead of this machine's clock, and auctions close by that time. \
             Mend the clock that is wrong; if Redis's was, and is mended, wait for that time or raise \
             writer.clock_tolerance_seconds",
            ahead.as_secs()
        );
        Err(Unavailable::new("redis", why))
    }
}

impl CommandReader for RedisCommandReader {
    async fn read(&mut self) -> Result<Batch, Unavailable> {
        let EntryBatch { entries, alone, deaths } = self.consumer.read().await.map_err(unavailable)?;
        self.check_clock(&entries)?;
        let deliveries = entries.into_iter().map(|entry| self.delivery(entry, deaths)).collect();
        Ok(Batch { deliveries, isolated: alone })
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
