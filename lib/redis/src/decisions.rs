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

/// Number of replies for each partition: the groups of each channel, and the lease.
const REPLIES: usize = Channel::ALL.len() + 1;

/// Probe of the command streams and their writers.
pub struct RedisDecisionProbe {
    server: RedisServer,
    connection: Option<DedicatedConnection>,
    partitions: Vec<PartitionId>,
    commands: Pipeline,
    /// Whether writers own partitions by leases.
    leased: bool,
}

impl RedisDecisionProbe {
    /// Returns a probe that connects at its first sample. Without leases, every partition counts as owned.
    pub fn new(server: RedisServer, partitions: PartitionCount, leased: bool) -> RedisDecisionProbe {
        let mut commands = pipe();
        for partition in partitions.all() {
            for channel in Channel::ALL {
                commands.cmd("XINFO").arg("GROUPS").arg(keys::commands(partition, channel));
            }
            // Consumers show nothing: Redis 7.0 records only those that have received an entry.
            commands.cmd("EXISTS").arg(keys::lease(partition, GROUP));
        }
        RedisDecisionProbe {
            server,
            connection: None,
            partitions: partitions.all().collect(),
            commands,
            leased,
        }
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
        let decisions = of_partitions.map(|(partition, replies)| decisions(*partition, replies, self.leased));
        Ok(decisions.collect())
    }
}

fn decisions(partition: PartitionId, replies: &[Value], leased: bool) -> PartitionDecisions {
    let (lease, channels) = replies.split_last().unwrap_or((&Value::Nil, &[]));
    let (mut undecided, mut decided) = (0, Some(0));
    for groups in channels {
        let Some(writers) = list(groups).iter().find(|group| name(group) == Some(GROUP)) else { continue };
        let count = |field| member(writers, field).and_then(number).and_then(|n| u64::try_from(n).ok());
        let pending = count("pending").unwrap_or_default();
        undecided += count("lag").unwrap_or_default() + pending;
        let read = count("entries-read");
        decided = decided.zip(read).map(|(decided, read)| decided + read.saturating_sub(pending));
    }
    PartitionDecisions { partition, has_writer: !leased || *lease == Value::Int(1), undecided, decided }
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
        let bids = group(2, Value::Int(4), Value::Int(10));
        let users = group(0, Value::Int(0), Value::Int(3));
        let found = decisions(PartitionId(1), &[users, Value::Nil, bids.clone(), Value::Int(1)], true);
        let expected = PartitionDecisions {
            partition: PartitionId(1),
            has_writer: true,
            undecided: 6,
            decided: Some(11),
        };
        assert_eq!(found, expected);
        let unknown = group(0, Value::Nil, Value::Nil);
        let replies = [unknown, Value::Nil, bids, Value::Int(0)];
        let found = decisions(PartitionId(1), &replies, true);
        assert_eq!((found.has_writer, found.undecided, found.decided), (false, 6, None));
        assert!(decisions(PartitionId(1), &replies, false).has_writer, "partitions have no owner");
    }
}
