//! The dead letters of all partitions, for operators.

use crate::{client_error, keys, unavailable};
use auction_app::operator::dead_letters::DeadLetter;
use auction_app::ports::Unavailable;
use auction_app::ports::operator::dead_letters::DeadLetterQueue;
use auction_wire::{Channel, PartitionId};
use deadpool_redis::{Connection, Pool};
use redis::{Value, cmd};
use stream_worker::entry::range_reply;
use stream_worker::{Entry, EntryId};

/// What a letter says before what it was made of.
const HEADER: [&str; 4] = ["stream", "entry", "reason", "error"];

/// Puts back and takes away in one step. KEYS: dead letters, stream; ARGV: letter, values of the header.
const REQUEUE: &str = "local found = redis.call('XRANGE', KEYS[1], ARGV[1], ARGV[1])
if #found == 0 then return false end
local fields = {}
for at = tonumber(ARGV[2]) + 1, #found[1][2] do fields[#fields + 1] = found[1][2][at] end
local id = redis.call('XADD', KEYS[2], '*', unpack(fields))
redis.call('XDEL', KEYS[1], ARGV[1])
return id";

/// Dead letters over a pool of connections.
#[derive(Clone)]
pub struct RedisDeadLetters(Pool);

impl RedisDeadLetters {
    /// Over a pool.
    pub fn new(pool: Pool) -> RedisDeadLetters {
        RedisDeadLetters(pool)
    }

    async fn connection(&self) -> Result<Connection, Unavailable> {
        self.0.get().await.map_err(client_error)
    }
}

/// A letter of ours begins with the header.
fn letter(partition: PartitionId, entry: Entry) -> DeadLetter {
    let (id, mut fields) = (entry.id, entry.copied_fields());
    let ours = HEADER.iter().zip(&fields).filter(|(name, (field, _))| name.as_bytes() == field).count();
    let mut header = Vec::new();
    if ours == HEADER.len() {
        header = fields.drain(..HEADER.len()).map(|(_, value)| value).collect();
    }
    let mut header = header.into_iter().map(|value| String::from_utf8_lossy(&value).into_owned());
    let mut next = || header.next().unwrap_or_default();
    DeadLetter { partition, id, stream: next(), entry: next(), reason: next(), error: next(), fields }
}

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
        Ok(entries.into_iter().map(|entry| letter(partition, entry)).collect())
    }

    async fn requeue(&self, letter: &DeadLetter) -> Result<Option<EntryId>, Unavailable> {
        let streams = Channel::ALL.map(|channel| keys::commands(letter.partition, channel));
        let Some(stream) = streams.iter().find(|stream| **stream == letter.stream) else {
            let why = format!(
                "letter {} came from `{}`, which is no stream of commands",
                letter.name(),
                letter.stream
            );
            return Err(Unavailable::new("redis", why));
        };
        let mut requeue = cmd("EVAL");
        requeue.arg(REQUEUE).arg(2).arg(keys::dead(letter.partition)).arg(stream);
        requeue.arg(letter.id.to_string()).arg(2 * HEADER.len());
        let id: Option<String> =
            requeue.query_async(&mut self.connection().await?).await.map_err(client_error)?;
        Ok(id.and_then(|id| id.parse().ok()))
    }

    async fn drop(&self, letter: &DeadLetter) -> Result<bool, Unavailable> {
        let mut delete = cmd("XDEL");
        delete.arg(keys::dead(letter.partition)).arg(letter.id.to_string());
        let deleted: u64 = delete.query_async(&mut self.connection().await?).await.map_err(client_error)?;
        Ok(deleted > 0)
    }
}
