//! Commands and writers of all partitions, read in one round trip.

use crate::command_stream::GROUP;
use crate::probe_connection::ProbeConnection;
use crate::{RedisServer, keys, unavailable};
use auction_app::ports::Unavailable;
use auction_app::ports::commands::decision_probe::{DecisionProbe, PartitionDecisions};
use auction_domain::Timestamp;
use auction_wire::{Channel, PartitionCount, PartitionId};
use redis::{Pipeline, Value, pipe};
use stream_worker::value::{member, number, ok, text};
use stream_worker::{EntryId, StreamError};

/// Number of replies for each partition: groups and pending entries of each channel, and the lease.
const REPLIES: usize = 2 * Channel::ALL.len() + 1;

/// Probe of the command streams and their writers.
pub struct RedisDecisionProbe {
    connection: ProbeConnection,
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
                let stream = keys::commands(partition, channel);
                commands.cmd("XINFO").arg("GROUPS").arg(&stream);
                commands.cmd("XPENDING").arg(&stream).arg(GROUP);
            }
            // Consumers show nothing: Redis 7.0 records only those that have received an entry.
            commands.cmd("EXISTS").arg(keys::lease(partition, GROUP));
        }
        RedisDecisionProbe {
            connection: ProbeConnection::new(server),
            partitions: partitions.all().collect(),
            commands,
            leased,
        }
    }
}

impl DecisionProbe for RedisDecisionProbe {
    async fn sample(&mut self) -> Result<Vec<PartitionDecisions>, Unavailable> {
        let replies = self.connection.send(&self.commands).await?;
        replies.iter().try_for_each(check_known).map_err(unavailable)?;
        let of_partitions = self.partitions.iter().zip(replies.chunks_exact(REPLIES));
        let decisions = of_partitions.map(|(partition, replies)| decisions(*partition, replies, self.leased));
        Ok(decisions.collect())
    }
}

/// Fails at an error reply, unless the stream or the group does not exist: of other errors nothing is known, and a
/// command would be taken for lost.
fn check_known(reply: &Value) -> Result<(), StreamError> {
    let Value::ServerError(error) = reply else { return Ok(()) };
    if error.code() == "NOGROUP" || error.details().is_some_and(|text| text.contains("no such key")) {
        return Ok(());
    }
    ok(reply.clone()).map(drop)
}

fn decisions(partition: PartitionId, replies: &[Value], leased: bool) -> PartitionDecisions {
    let (lease, channels) = replies.split_last().unwrap_or((&Value::Nil, &[]));
    let (mut undecided, mut decided, mut all_delivered, mut oldest) = (0, Some(0), true, None);
    for channel in channels.chunks_exact(2) {
        let (groups, pending) = (&channel[0], &channel[1]);
        oldest = [oldest, oldest_pending(pending)].into_iter().flatten().min();
        let Some(writers) = list(groups).iter().find(|group| name(group) == Some(GROUP)) else {
            // A stream without the group was never read. A missing stream has nothing to read.
            all_delivered &= !matches!(groups, Value::Array(_));
            continue;
        };
        let count = |field| member(writers, field).and_then(number).and_then(|n| u64::try_from(n).ok());
        let pending = count("pending").unwrap_or_default();
        // The lag is unknown after entries were removed.
        all_delivered &= count("lag") == Some(0);
        undecided += count("lag").unwrap_or_default() + pending;
        let read = count("entries-read");
        decided = decided.zip(read).map(|(decided, read)| decided + read.saturating_sub(pending));
    }
    let has_writer = !leased || *lease == Value::Int(1);
    PartitionDecisions { partition, has_writer, undecided, decided, all_delivered, oldest_delivered: oldest }
}

/// Returns the time of the lowest id in a summary of pending entries.
fn oldest_pending(summary: &Value) -> Option<Timestamp> {
    let id: EntryId = text(list(summary).get(1)?)?.parse().ok()?;
    i64::try_from(id.ms).ok().map(Timestamp)
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
    fn sample_fails_at_errors_other_than_a_missing_stream() {
        let reply = |line: &str| redis::parse_redis_value(format!("-{line}\r\n").as_bytes()).unwrap();
        for missing in ["ERR no such key", "NOGROUP No such key 's' or consumer group 'g'"] {
            assert!(check_known(&reply(missing)).is_ok(), "{missing}");
        }
        for unknown in ["BUSY Redis is busy running a script", "NOPERM this user has no permissions"] {
            assert!(check_known(&reply(unknown)).is_err(), "{unknown}");
        }
    }

    #[test]
    fn decisions_are_summed_over_the_channels() {
        let bulk = |text: &str| Value::BulkString(text.as_bytes().to_vec());
        let none = Value::Array(vec![Value::Int(0), Value::Nil, Value::Nil, Value::Nil]);
        let pending = Value::Array(vec![Value::Int(2), bulk("7000-1"), bulk("8000-0"), Value::Nil]);
        let bids = group(2, Value::Int(4), Value::Int(10));
        let users = || group(0, Value::Int(0), Value::Int(3));
        let found = decisions(
            PartitionId(1),
            &[users(), none.clone(), Value::Nil, Value::Nil, bids.clone(), pending, Value::Int(1)],
            true,
        );
        let expected = PartitionDecisions {
            partition: PartitionId(1),
            has_writer: true,
            undecided: 6,
            decided: Some(11),
            all_delivered: false,
            oldest_delivered: Some(Timestamp(7000)),
        };
        assert_eq!(found, expected);
        let unknown = group(0, Value::Nil, Value::Nil);
        let replies = [unknown, none, Value::Nil, Value::Nil, bids, Value::Nil, Value::Int(0)];
        let found = decisions(PartitionId(1), &replies, true);
        assert_eq!((found.has_writer, found.undecided, found.decided), (false, 6, None));
        assert!(decisions(PartitionId(1), &replies, false).has_writer, "partitions have no owner");
        let idle = [users(), Value::Nil, Value::Nil, Value::Nil, users(), Value::Nil, Value::Int(1)];
        let found = decisions(PartitionId(1), &idle, true);
        assert_eq!((found.all_delivered, found.oldest_delivered), (true, None));
    }
}
