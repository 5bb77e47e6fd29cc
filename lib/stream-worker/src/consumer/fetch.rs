//! Reads entries of a group, with a check of what is pending in the same round trip.

use super::GroupConsumer;
use crate::value::{ok, text};
use crate::{Entry, EntryId, StreamError, frame};
use redis::{Value, cmd, parse_redis_value, pipe};
use std::ops::Range;

/// Kind of entries to read with one command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ReadKind {
    /// Entries that are pending with this consumer and that [`GroupConsumer::read`] has not returned.
    Pending,
    /// Entries that were not delivered to any consumer; waits for them.
    Undelivered,
    /// Entries that were not delivered to any consumer, without waiting.
    UndeliveredNow,
}

impl GroupConsumer {
    /// Reads, and checks in the same round trip whether another consumer has pending entries. Redis does not
    /// fence readers, so a paused consumer can still be delivered entries that are older. Returns `None` if
    /// one has any.
    pub(super) async fn read_from(
        &mut self,
        streams: Range<usize>,
        kind: ReadKind,
        count: usize,
    ) -> Result<Option<Vec<Entry>>, StreamError> {
        let options = &self.options;
        let mut read = cmd("XREADGROUP");
        read.arg("GROUP").arg(&options.group).arg(&self.name).arg("COUNT").arg(count);
        if kind == ReadKind::Undelivered && options.blocking {
            read.arg("BLOCK").arg(u64::try_from(options.block.as_millis()).unwrap_or(u64::MAX));
        }
        if !options.ack_required {
            read.arg("NOACK");
        }
        read.arg("STREAMS").arg(&options.streams[streams.clone()]);
        for stream in streams {
            match kind {
                ReadKind::Pending => read.arg(self.last_delivered[stream].to_string()),
                ReadKind::Undelivered | ReadKind::UndeliveredNow => read.arg(">"),
            };
        }
        let mut commands = pipe();
        commands.add_command(read);
        for stream in self.options.streams.iter().filter(|_| options.ack_required) {
            commands.cmd("XPENDING").arg(stream).arg(&self.options.group);
        }
        let mut replies = self.connection.send_for_frames(&commands).await?.into_iter();
        let entries = frame::entries(&self.options.streams, &replies.next().unwrap_or_default())?;
        let mut pending_elsewhere = false;
        for (stream, summary) in replies.enumerate() {
            let summary = ok(parse_redis_value(&summary)?)?;
            pending_elsewhere |= self.names_other_consumer(&summary)?;
            self.oldest_pending[stream] = oldest(&summary);
        }
        Ok((!pending_elsewhere).then_some(entries))
    }

    /// Whether an `XPENDING` summary names another consumer.
    fn names_other_consumer(&self, summary: &Value) -> Result<bool, StreamError> {
        const COMMAND: &str = "XPENDING";
        let Value::Array(parts) = summary else { return Err(StreamError::unexpected(COMMAND, summary)) };
        match parts.get(3) {
            Some(Value::Nil) => Ok(false),
            Some(Value::Array(consumers)) => Ok(consumers.iter().any(|consumer| match consumer {
                Value::Array(pair) => pair.first().and_then(text) != Some(&self.name),
                _ => true,
            })),
            _ => Err(StreamError::unexpected(COMMAND, summary)),
        }
    }
}

/// Returns the oldest pending entry of an `XPENDING` summary.
fn oldest(summary: &Value) -> Option<EntryId> {
    let Value::Array(parts) = summary else { return None };
    text(parts.get(1)?)?.parse().ok()
}
