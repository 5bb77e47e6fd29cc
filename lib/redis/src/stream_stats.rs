//! Progress and lag of the consumer groups of a partition, for operators. Collecting changes nothing.

mod lag;

use crate::{RedisServer, keys, unavailable};
use async_trait::async_trait;
use auction_app::ports::Unavailable;
use auction_app::ports::operator::stream_stats::{
    Consumer, GroupProgress, PartitionProgress, StreamProgress, StreamStats, StreamStatsReader,
};
use auction_wire::{Channel, PartitionId};
use redis::{Pipeline, Value, cmd, pipe};
use std::time::Duration;
use stream_worker::entry::range_reply;
use stream_worker::value::{last_generated_id, member, number, ok, text};
use stream_worker::{DedicatedConnection, EntryId, StreamError};

/// Longest time to wait for a reply.
const DEADLINE: Duration = Duration::from_secs(10);

/// Collector of stream statistics. Opens a connection for each collection.
#[derive(Clone, Debug)]
pub struct RedisStreamStats(RedisServer);

impl RedisStreamStats {
    pub fn new(server: impl Into<RedisServer>) -> RedisStreamStats {
        RedisStreamStats(server.into())
    }
}

#[async_trait]
impl StreamStatsReader for RedisStreamStats {
    async fn collect(&self, partitions: &[PartitionId]) -> Result<StreamStats, Unavailable> {
        let mut connection =
            StatsConnection(DedicatedConnection::open(&self.0, DEADLINE).await.map_err(unavailable)?);
        let mut stats =
            StreamStats { now_ms: connection.now_ms().await.map_err(unavailable)?, partitions: Vec::new() };
        for partition in partitions {
            stats.partitions.push(connection.partition(*partition).await.map_err(unavailable)?);
        }
        Ok(stats)
    }
}

/// Connection of one collection.
struct StatsConnection(DedicatedConnection);

impl StatsConnection {
    /// Returns the time of Redis, in milliseconds since 1970.
    async fn now_ms(&mut self) -> Result<u64, StreamError> {
        let time = self.0.send_one(&cmd("TIME")).await?;
        let part = |n: usize| match &time {
            Value::Array(parts) => parts.get(n).and_then(number).and_then(|part| u64::try_from(part).ok()),
            _ => None,
        };
        match (part(0), part(1)) {
            (Some(seconds), Some(micros)) => Ok(seconds * 1000 + micros / 1000),
            _ => Err(StreamError::unexpected("TIME", &time)),
        }
    }

    async fn partition(&mut self, partition: PartitionId) -> Result<PartitionProgress, StreamError> {
        let mut streams = Channel::ALL.map(|channel| keys::commands(partition, channel)).to_vec();
        let (events, dead) = (keys::events(partition), keys::dead(partition));
        streams.extend([events.clone(), dead.clone()]);
        let mut found: Vec<StreamProgress> = Vec::new();
        for stream in streams {
            found.extend(self.stream(partition, stream).await?);
        }
        let of = |key: &str| found.iter().find(|stream| stream.key == key);
        let published = of(&events).map_or(0, |stream| stream.last.ms);
        let dead_letters = of(&dead).map_or(0, |stream| stream.length);
        Ok(PartitionProgress { partition, streams: found, published, dead_letters })
    }

    async fn stream(
        &mut self,
        partition: PartitionId,
        key: String,
    ) -> Result<Option<StreamProgress>, StreamError> {
        let named = self.0.send(pipe().cmd("XINFO").arg("GROUPS").arg(&key)).await?.swap_remove(0);
        let Some(named) = list(named)? else { return Ok(None) };
        let names: Vec<String> = named
            .iter()
            .filter_map(|group| member(group, "name").and_then(text))
            .map(str::to_owned)
            .collect();
        // One transaction, so that an entry delivered meanwhile is not counted twice or missed.
        let mut commands = pipe();
        commands.cmd("MULTI");
        commands.cmd("XINFO").arg("STREAM").arg(&key);
        commands.cmd("XINFO").arg("GROUPS").arg(&key);
        for name in &names {
            commands.cmd("XPENDING").arg(&key).arg(name);
            commands.cmd("XINFO").arg("CONSUMERS").arg(&key).arg(name);
            commands.cmd("GET").arg(keys::lease(partition, name));
        }
        commands.cmd("EXEC");
        let replies = self.0.send(&commands).await?.pop().map(ok).transpose()?;
        let Some(Value::Array(replies)) = replies else {
            return Err(StreamError::unexpected("EXEC", &Value::Nil));
        };
        let mut replies = replies.into_iter();
        let info = replies.next().unwrap_or(Value::Nil);
        let Some(groups) = list(replies.next().unwrap_or(Value::Nil))? else { return Ok(None) };
        let (last, length) = (last_generated_id(&info)?, count(&info, "length")?);
        let mut stream =
            StreamProgress { key, length, added: count(&info, "entries-added")?, last, groups: Vec::new() };
        for name in names {
            let (summary, consumers, lease) = (replies.next(), replies.next(), replies.next());
            let group = groups.iter().find(|group| member(group, "name").and_then(text) == Some(&name));
            let (Some(group), Some(Ok(summary))) = (group, summary.map(ok)) else { continue };
            let pending = Pending::read(&summary)?;
            let read = lag::GroupReadState::of(group)?;
            let oldest = self.oldest(&stream, &read, &pending).await?;
            stream.groups.push(GroupProgress {
                lag: lag::count(&mut self.0, &stream.key, &info, &read).await?,
                name,
                pending: pending.count,
                oldest_ms: oldest,
                lease: lease.as_ref().and_then(text).map(str::to_owned),
                consumers: consumers_of(consumers.unwrap_or(Value::Nil))?,
            });
        }
        Ok(Some(stream))
    }

    /// Returns the time of the oldest entry that is pending or undelivered, in milliseconds since 1970.
    async fn oldest(
        &mut self,
        stream: &StreamProgress,
        read: &lag::GroupReadState,
        pending: &Pending,
    ) -> Result<Option<u64>, StreamError> {
        let mut commands: Pipeline = pipe();
        let lowest = pending.lowest.unwrap_or(EntryId::ZERO).to_string();
        commands.cmd("XRANGE").arg(&stream.key).arg(&lowest).arg(&lowest);
        let (beyond, last) = (format!("({}", read.delivered), stream.last.to_string());
        commands.cmd("XRANGE").arg(&stream.key).arg(beyond).arg(last).arg("COUNT").arg(1);
        let mut oldest = None;
        for reply in self.0.send(&commands).await? {
            for entry in range_reply(ok(reply)?)? {
                // The entry id of an event is its position, so the time is in its field.
                let at = entry.field("at").and_then(|at| std::str::from_utf8(at).ok()?.parse().ok());
                let at = at.unwrap_or(entry.id.ms);
                oldest = Some(oldest.unwrap_or(at).min(at));
            }
        }
        Ok(oldest)
    }
}

/// Summary reply of `XPENDING`.
struct Pending {
    count: u64,
    lowest: Option<EntryId>,
}

impl Pending {
    fn read(summary: &Value) -> Result<Pending, StreamError> {
        let Value::Array(parts) = summary else { return Err(StreamError::unexpected("XPENDING", summary)) };
        let count = parts.first().and_then(number).and_then(|count| u64::try_from(count).ok());
        let lowest = parts.get(1).and_then(text).and_then(|id| id.parse().ok());
        let unexpected = || StreamError::unexpected("XPENDING", summary);
        Ok(Pending { count: count.ok_or_else(unexpected)?, lowest })
    }
}

fn consumers_of(reply: Value) -> Result<Vec<Consumer>, StreamError> {
    let consumers = list(reply)?.unwrap_or_default();
    let read = |consumer: &Value| {
        let name = member(consumer, "name").and_then(text).unwrap_or_default().to_owned();
        Ok(Consumer { name, pending: count(consumer, "pending")?, idle_ms: count(consumer, "idle")? })
    };
    consumers.iter().map(read).collect()
}

/// Returns a list; `None` if the stream or group does not exist.
fn list(reply: Value) -> Result<Option<Vec<Value>>, StreamError> {
    match reply {
        Value::Array(parts) => Ok(Some(parts)),
        Value::ServerError(error)
            if error.code() == "NOGROUP" || error.details().is_some_and(|d| d.contains("no such key")) =>
        {
            Ok(None)
        }
        other => Err(StreamError::unexpected("XINFO", &ok(other)?)),
    }
}

fn count(info: &Value, name: &'static str) -> Result<u64, StreamError> {
    let count = member(info, name).and_then(number).and_then(|count| u64::try_from(count).ok());
    count.ok_or_else(|| StreamError::unexpected("XINFO", info))
}
