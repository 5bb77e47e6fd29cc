//! Commands and writers of all partitions, read in one round trip.

use crate::command_stream::GROUP;
use crate::{RedisServer, keys, unavailable};
use auction_app::ports::Unavailable;
use auction_app::ports::commands::decision_probe::{DecisionProbe, PartitionDecisions};
use auction_wire::{Channel, PartitionCount, PartitionId};
use redis::{Pipeline, Value, pipe};
use std::time::Duration;
use stream_worker::DedicatedConnection;
use stream_worker::value::{member, number, text};

/// Longest time to wait for a reply.
const DEADLINE: Duration = Duration::from_secs(5);

/// Number of replies for each partition: the groups of each channel, and the consumers of one.
const REPLIES: usize = Channel::ALL.len() + 1;

/// Probe of the command streams and their writers.
pub struct RedisDecisionProbe {
    server: RedisServer,
    connection: Option<DedicatedConnection>,
    partitions: Vec<PartitionId>,
    commands: Pipeline,
}

impl RedisDecisionProbe {
    /// Returns a probe that connects at its first sample.
    pub fn new(server: RedisServer, partitions: PartitionCount) -> RedisDecisionProbe {
        let mut commands = pipe();
        for partition in partitions.all() {
            for channel in Channel::ALL {
                commands.cmd("XINFO").arg("GROUPS").arg(keys::commands(partition, channel));
            }
            // A writer reads all channels at once.
            let bids = keys::commands(partition, Channel::Bid);
            commands.cmd("XINFO").arg("CONSUMERS").arg(bids).arg(GROUP);
        }
        RedisDecisionProbe { server, connection: None, partitions: partitions.all().collect(), commands }
    }
}

impl DecisionProbe for RedisDecisionProbe {
    async fn sample(&mut self) -> Result<Vec<PartitionDecisions>, Unavailable> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.server.connect(DEADLINE).await?,
        };
        let replies = connection.send(&self.commands).await.map_err(unavailable)?;
        self.connection = Some(connection);
        let of_partitions = self.partitions.iter().zip(replies.chunks_exact(REPLIES));
        Ok(of_partitions.map(|(partition, replies)| decisions(*partition, replies)).collect())
    }
}

fn decisions(partition: PartitionId, replies: &[Value]) -> PartitionDecisions {
    let (consumers, channels) = replies.split_last().unwrap_or((&Value::Nil, &[]));
    let (mut undecided, mut decided) = (0, Some(0));
    for groups in channels {
        let Some(writers) = list(groups).iter().find(|group| name(group) == Some(GROUP)) else { continue };
        let count = |field| member(writers, field).and_then(number).and_then(|n| u64::try_from(n).ok());
        let pending = count("pending").unwrap_or_default();
        undecided += count("lag").unwrap_or_default() + pending;
        let read = count("entries-read");
        decided = decided.zip(read).map(|(decided, read)| decided + read.saturating_sub(pending));
    }
    let idle = list(consumers).iter().filter_map(|consumer| member(consumer, "idle").and_then(number));
    let since_read = idle.filter_map(|ms| u64::try_from(ms).ok()).min().map(Duration::from_millis);
    PartitionDecisions { partition, since_read, undecided, decided }
}

/// Returns the entries of a list; none if the stream or group does not exist.
fn list(reply: &Value) -> &[Value] {
    if let Value::Array(entries) = reply { entries } else { &[] }
}

fn name(group: &Value) -> Option<&str> {
    member(group, "name").and_then(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(fields: &[(&str, Value)]) -> Value {
        let bulk = |text: &str| Value::BulkString(text.as_bytes().to_vec());
        Value::Array(fields.iter().flat_map(|(name, value)| [bulk(name), value.clone()]).collect())
    }

    fn group(pending: i64, lag: Value, read: Value) -> Value {
        let name = Value::BulkString(GROUP.as_bytes().to_vec());
        let fields = [("name", name), ("pending", Value::Int(pending)), ("entries-read", read), ("lag", lag)];
        Value::Array(vec![map(&fields)])
    }

    #[test]
    fn decisions_are_summed_over_the_channels() {
        let consumers =
            Value::Array(vec![map(&[("idle", Value::Int(9000))]), map(&[("idle", Value::Int(20))])]);
        let bids = group(2, Value::Int(4), Value::Int(10));
        let users = group(0, Value::Int(0), Value::Int(3));
        let found = decisions(PartitionId(1), &[users, Value::Nil, bids.clone(), consumers]);
        let expected = PartitionDecisions {
            partition: PartitionId(1),
            since_read: Some(Duration::from_millis(20)),
            undecided: 6,
            decided: Some(11),
        };
        assert_eq!(found, expected);
        let unknown = group(0, Value::Nil, Value::Nil);
        let found = decisions(PartitionId(1), &[unknown, Value::Nil, bids, Value::Nil]);
        assert_eq!((found.since_read, found.undecided, found.decided), (None, 6, None));
    }
}
