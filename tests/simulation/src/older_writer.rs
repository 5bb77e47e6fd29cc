//! Command streams as a writer of an earlier version reads them: commands of one kind are unknown to it.

use auction_app::ports::Unavailable;
use auction_app::ports::commands::command_stream::{
    Batch, CommandReader, CommandStreamConnector, Failure, FailureReason, PoisonMessage, ReceivedCommand,
};
use auction_redis::command_stream::{RedisCommandReader, RedisCommandSettler, RedisCommandStreams};
use auction_wire::{Channel, DecodeError, PartitionId};
use stream_worker::EntryId;

/// Opens the streams of a writer that does not know a kind of commands.
#[derive(Clone, Debug)]
pub struct OlderStreams {
    pub streams: RedisCommandStreams,
    /// Kind that the writer does not know; with `None` it knows all.
    pub unknown: Option<&'static str>,
}

/// Reader of a writer that does not know a kind of commands.
pub struct OlderReader {
    reader: RedisCommandReader,
    unknown: Option<&'static str>,
}

impl OlderReader {
    fn read_by_older(&self, mut delivery: ReceivedCommand) -> ReceivedCommand {
        if let Ok(command) = &delivery.command
            && Some(command.body.kind()) == self.unknown
        {
            let error = DecodeError::UnknownKind(command.body.kind().to_owned());
            let fields = command.to_fields().into_iter().map(|(name, value)| (name.into(), value)).collect();
            delivery.command = Err(PoisonMessage {
                failure: Failure { reason: FailureReason::Unreadable, error: error.to_string() },
                fields,
                has_unknown_kind: error.is_unknown_kind(),
            });
        }
        delivery
    }
}

impl CommandStreamConnector for OlderStreams {
    type Reader = OlderReader;
    type Settler = RedisCommandSettler;

    async fn open(&self, partition: PartitionId) -> Result<(OlderReader, RedisCommandSettler), Unavailable> {
        let (reader, settler) = self.streams.open(partition).await?;
        Ok((OlderReader { reader, unknown: self.unknown }, settler))
    }

    async fn is_acknowledged(
        &self,
        partition: PartitionId,
        channel: Channel,
        entry: EntryId,
    ) -> Result<bool, Unavailable> {
        self.streams.is_acknowledged(partition, channel, entry).await
    }

    async fn on_interrupted(&self, partition: PartitionId) {
        self.streams.on_interrupted(partition).await;
    }
}

impl CommandReader for OlderReader {
    async fn read(&mut self) -> Result<Batch, Unavailable> {
        let Batch { deliveries, isolated } = self.reader.read().await?;
        let deliveries = deliveries.into_iter().map(|delivery| self.read_by_older(delivery)).collect();
        Ok(Batch { deliveries, isolated })
    }

    async fn wait(&mut self) -> Result<(), Unavailable> {
        self.reader.wait().await
    }

    async fn take_over(&mut self) -> Result<(), Unavailable> {
        self.reader.take_over().await
    }

    async fn leave_group(self) -> Result<(), Unavailable> {
        self.reader.leave_group().await
    }
}
