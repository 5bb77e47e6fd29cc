//! Dead letters of all partitions, for operators.

use crate::{PooledConnection, RedisPool, client_error, keys, unavailable};
use async_trait::async_trait;
use auction_app::ports::Unavailable;
use auction_app::ports::operator::dead_letters::DeadLetter;
use auction_app::ports::operator::dead_letters::DeadLetterQueue;
use auction_wire::outcome::current_name;
use auction_wire::{Channel, PartitionId};
use redis::{Value, cmd};
use stream_worker::entry::range_reply;
use stream_worker::{Entry, EntryId};

/// Fields of a dead letter that precede the fields of the original entry.
const HEADER: [&str; 4] = ["stream", "entry", "reason", "error"];

/// Adds the original entry to its stream and deletes the dead letter, in one atomic step. KEYS: dead letters,
/// stream; ARGV: id of the dead letter, number of names and values of the header.
const REQUEUE: &str = "local found = redis.call('XRANGE', KEYS[1], ARGV[1], ARGV[1])
if #found == 0 then return false end
local fields = {}
for at = tonumber(ARGV[2]) + 1, #found[1][2] do fields[#fields + 1] = found[1][2][at] end
local id = redis.call('XADD', KEYS[2], '*', unpack(fields))
redis.call('XDEL', KEYS[1], ARGV[1])
return id";

#[derive(Clone)]
pub struct RedisDeadLetters(RedisPool);

impl RedisDeadLetters {
    pub fn new(pool: RedisPool) -> RedisDeadLetters {
        RedisDeadLetters(pool)
    }

    async fn connection(&self) -> Result<PooledConnection, Unavailable> {
        self.0.get().await
    }
}

/// Decodes a dead letter. An entry without the header has an unknown origin and reason.
fn read_dead_letter(partition: PartitionId, entry: Entry) -> DeadLetter {
    let (id, mut fields) = (entry.id, entry.copied_fields());
    let matching = HEADER.iter().zip(&fields).filter(|(name, (field, _))| name.as_bytes() == field).count();
    let mut header = Vec::new();
    if matching == HEADER.len() {
        header = fields.drain(..HEADER.len()).map(|(_, value)| value).collect();
    }
    let mut header = header.into_iter().map(|value| String::from_utf8_lossy(&value).into_owned());
    let mut next = || header.next().unwrap_or_default();
    DeadLetter {
        partition,
        id,
        stream: next(),
        entry: next(),
        reason: current_name(next()),
        error: next(),
        fields,
    }
}

#[async_trait]
impl DeadLetterQueue for RedisDeadLetters {
    async fn list(
        &self,
        partition: PartitionId,
        after: EntryId,
        limit: usize,
    ) -> Result<Vec<DeadLetter>, Unavailable> {
        let mut range = cmd("XRANGE");
        range.arg(keys::dead(partition)).arg(format!("({after}")).arg("+").arg("COUNT").arg(limit);
        let reply: Value = range.query_async(&mut self.connection().await?).await.map_err(client_error)?;
        let entries = range_reply(reply).map_err(unavailable)?;
        Ok(entries.into_iter().map(|entry| read_dead_letter(partition, entry)).collect())
    }

    async fn requeue(&self, dead_letter: &DeadLetter) -> Result<Option<EntryId>, Unavailable> {
        let streams = Channel::ALL.map(|channel| keys::commands(dead_letter.partition, channel));
        let Some(stream) = streams.iter().find(|stream| **stream == dead_letter.stream) else {
            let (name, stream) = (dead_letter.name(), &dead_letter.stream);
            let reason = format!("dead letter {name} comes from `{stream}`, which is not a command stream");
            return Err(Unavailable::new("redis", reason));
        };
        let mut requeue = cmd("EVAL");
        requeue.arg(REQUEUE).arg(2).arg(keys::dead(dead_letter.partition)).arg(stream);
        requeue.arg(dead_letter.id.to_string()).arg(2 * HEADER.len());
        let id: Option<String> =
            requeue.query_async(&mut self.connection().await?).await.map_err(client_error)?;
        Ok(id.and_then(|id| id.parse().ok()))
    }

    async fn delete(&self, dead_letter: &DeadLetter) -> Result<bool, Unavailable> {
        let mut delete = cmd("XDEL");
        delete.arg(keys::dead(dead_letter.partition)).arg(dead_letter.id.to_string());
        let deleted: u64 = delete.query_async(&mut self.connection().await?).await.map_err(client_error)?;
        Ok(deleted > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn former_reasons_are_read_under_their_current_names() {
        let fields = [
            ("stream", "ap:{00}:cmd:bid"),
            ("entry", "7-0"),
            ("reason", "ended_its_process"),
            ("error", "x"),
        ];
        let fields = fields.map(|(name, value)| (name.into(), value.into())).into();
        let read =
            read_dead_letter(PartitionId(0), Entry { stream: 0, id: EntryId { ms: 8, seq: 0 }, fields });
        assert_eq!((read.reason.as_str(), read.entry.as_str()), ("process_crash", "7-0"));
    }
}
