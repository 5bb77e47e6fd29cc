//! Command backlog and memory use of Redis, read in one round trip.

use crate::command_stream::GROUP;
use crate::probe_connection::ProbeConnection;
use crate::{RedisServer, keys, unavailable};
use auction_app::ports::Unavailable;
use auction_app::ports::commands::load_probe::{Load, LoadProbe};
use auction_wire::{Channel, PartitionCount};
use redis::{Pipeline, Value, pipe};
use stream_worker::StreamError;
use stream_worker::value::{member, number, text};

/// Probe of the command streams of all partitions.
pub struct RedisLoadProbe {
    connection: ProbeConnection,
    commands: Pipeline,
}

impl RedisLoadProbe {
    /// Returns a probe that connects at its first sample.
    pub fn new(server: RedisServer, partitions: PartitionCount) -> RedisLoadProbe {
        let mut commands = pipe();
        commands.cmd("INFO").arg("memory");
        for partition in partitions.all() {
            for channel in Channel::ALL {
                let stream = keys::commands(partition, channel);
                commands.cmd("XLEN").arg(&stream);
                commands.cmd("XINFO").arg("GROUPS").arg(&stream);
            }
        }
        RedisLoadProbe { connection: ProbeConnection::new(server), commands }
    }
}

impl LoadProbe for RedisLoadProbe {
    async fn sample(&mut self) -> Result<Load, Unavailable> {
        let replies = self.connection.send(&self.commands).await?;
        let (memory, streams) = replies.split_first().unwrap_or((&Value::Nil, &[]));
        let memory_percent = memory_percent(memory).map_err(unavailable)?;
        let backlog = streams.chunks_exact(2).map(|stream| stream_backlog(&stream[0], &stream[1])).sum();
        Ok(Load { undecided: backlog, memory_percent })
    }
}

/// Returns the number of entries of a stream that the writers have not acknowledged; 0 if the stream is
/// missing.
fn stream_backlog(length: &Value, groups: &Value) -> u64 {
    let count = |value: Option<&Value>| value.and_then(number).and_then(|n| u64::try_from(n).ok());
    let length = count(Some(length)).unwrap_or_default();
    let Value::Array(groups) = groups else { return 0 };
    let writers = groups.iter().find(|group| member(group, "name").and_then(text) == Some(GROUP));
    // Without the group, nothing is read yet.
    let Some(writers) = writers else { return length };
    // If Redis does not know the lag, the length of the stream is an upper bound.
    let lag = count(member(writers, "lag")).unwrap_or(length);
    lag + count(member(writers, "pending")).unwrap_or_default()
}

/// Returns the used memory as a percentage of `maxmemory`, or of the machine's memory if there is no limit.
fn memory_percent(info: &Value) -> Result<u64, StreamError> {
    let lines = text(info).ok_or_else(|| StreamError::unexpected("INFO memory", info))?.lines();
    let (mut used, mut limit, mut machine) = (0, 0, 0);
    for (name, value) in lines.filter_map(|line| line.split_once(':')) {
        let value: u64 = value.trim().parse().unwrap_or_default();
        match name {
            "used_memory" => used = value,
            "maxmemory" => limit = value,
            "total_system_memory" => machine = value,
            _ => {}
        }
    }
    let total = if limit > 0 { limit } else { machine };
    Ok((used * 100).checked_div(total).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn percent(info: &str) -> u64 {
        memory_percent(&Value::BulkString(info.as_bytes().to_vec())).unwrap()
    }

    #[test]
    fn memory_percent_is_of_maxmemory_or_of_the_machine() {
        assert_eq!(
            percent("# Memory\r\nused_memory:850\r\nmaxmemory:1000\r\ntotal_system_memory:9000\r\n"),
            85
        );
        assert_eq!(percent("used_memory:900\r\nmaxmemory:0\r\ntotal_system_memory:9000\r\n"), 10);
        assert_eq!(percent("nothing"), 0);
    }

    #[test]
    fn backlog_counts_unacknowledged_commands() {
        let bulk = |text: &str| Value::BulkString(text.as_bytes().to_vec());
        let group = |lag: Value| {
            Value::Array(vec![Value::Array(vec![
                bulk("name"),
                bulk(GROUP),
                bulk("pending"),
                Value::Int(3),
                bulk("lag"),
                lag,
            ])])
        };
        assert_eq!(stream_backlog(&Value::Int(9), &group(Value::Int(4))), 7);
        assert_eq!(
            stream_backlog(&Value::Int(9), &group(Value::Nil)),
            12,
            "the stream length bounds an unknown lag"
        );
        assert_eq!(stream_backlog(&Value::Int(9), &Value::Array(Vec::new())), 9, "no group yet");
        assert_eq!(stream_backlog(&Value::Int(0), &Value::Nil), 0);
    }
}
