//! Removes old entries of the streams.
//!
//! The age of a command follows from its entry id. The entry id of an event is its position, so its age
//! follows from its field `at`, which grows with the position except for small deviations.

use crate::event_stream::event_of;
use crate::{RedisServer, keys, unavailable};
use auction_app::ports::Unavailable;
use auction_app::ports::events::retention::{StreamRetention, Trimmed, TrimmedCommands};
use auction_domain::Timestamp;
use auction_wire::{Channel, PartitionId};
use redis::{Value, cmd};
use std::time::Duration;
use stream_worker::entry::range_reply;
use stream_worker::trim::{TrimPolicy, TrimResult, trim};
use stream_worker::value::number;
use stream_worker::{DedicatedConnection, Entry, EntryId, StreamError};

/// Longest time to wait for Redis to trim one step.
const DEADLINE: Duration = Duration::from_secs(10);

/// Trims streams on its own connection, and reconnects after an error.
pub struct RedisRetention {
    server: RedisServer,
    connection: Option<DedicatedConnection>,
}

impl RedisRetention {
    pub fn new(server: impl Into<RedisServer>) -> RedisRetention {
        RedisRetention { server: server.into(), connection: None }
    }

    async fn run<T>(
        &mut self,
        work: impl AsyncFnOnce(&mut DedicatedConnection) -> Result<T, StreamError>,
    ) -> Result<T, Unavailable> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.server.connect(DEADLINE).await?,
        };
        let done = work(&mut connection).await.map_err(unavailable)?;
        self.connection = Some(connection);
        Ok(done)
    }
}

impl StreamRetention for RedisRetention {
    async fn now(&mut self) -> Result<Timestamp, Unavailable> {
        self.run(async |connection| {
            let reply = connection.send_one(&cmd("TIME")).await?;
            let Value::Array(parts) = &reply else { return Err(StreamError::unexpected("TIME", &reply)) };
            let seconds = parts.first().and_then(number);
            seconds
                .zip(parts.get(1).and_then(number))
                .map(|(seconds, micros)| Timestamp(seconds * 1000 + micros / 1000))
                .ok_or_else(|| StreamError::unexpected("TIME", &reply))
        })
        .await
    }

    async fn trim_commands(
        &mut self,
        partition: PartitionId,
        older_than: Timestamp,
    ) -> Result<TrimmedCommands, Unavailable> {
        let keep_from = EntryId { ms: u64::try_from(older_than.0).unwrap_or_default(), seq: 0 };
        self.run(async |connection| {
            let mut all = TrimmedCommands::default();
            let mut oldest = None::<EntryId>;
            for channel in Channel::ALL {
                let stream = keys::commands(partition, channel);
                let step = trim(connection, &stream, keep_from, TrimPolicy::KeepUnacknowledged).await?;
                add(&mut all.trimmed, step);
                oldest = [oldest, step.oldest_unacknowledged].into_iter().flatten().min();
            }
            let at = |id: EntryId| Timestamp(i64::try_from(id.ms).unwrap_or(i64::MAX));
            Ok(TrimmedCommands { oldest_undecided: oldest.map(at), ..all })
        })
        .await
    }

    async fn trim_events(
        &mut self,
        partition: PartitionId,
        older_than: Timestamp,
    ) -> Result<Trimmed, Unavailable> {
        self.run(async |connection| {
            let stream = keys::events(partition);
            let mut all = Trimmed::default();
            let keep_from = first_event_since(connection, &stream, older_than).await?;
            add(&mut all, trim(connection, &stream, keep_from, TrimPolicy::KeepLast).await?);
            Ok(all)
        })
        .await
    }
}

fn add(all: &mut Trimmed, step: TrimResult) {
    all.removed += step.removed;
    all.more |= step.may_have_more();
}

/// Returns the id of the first event that is not older than `since`, by binary search.
async fn first_event_since(
    connection: &mut DedicatedConnection,
    stream: &str,
    since: Timestamp,
) -> Result<EntryId, StreamError> {
    let Some(first) = one(connection, "XRANGE", stream, "-", "+").await? else { return Ok(EntryId::ZERO) };
    let last = one(connection, "XREVRANGE", stream, "+", "-").await?.map_or(first.id, |last| last.id);
    // All events before `low` are older. No event from `high` on is, except perhaps the last one, which stays
    // anyway.
    let (mut low, mut high) = (first.id.ms, last.ms);
    let (mut probe, mut entry) = (low, Some(first));
    while low < high {
        match entry {
            Some(entry) if is_older(&entry, since) => low = entry.id.ms.saturating_add(1),
            _ => high = probe,
        }
        probe = low + high.saturating_sub(low) / 2;
        entry = one(connection, "XRANGE", stream, &probe.to_string(), "+").await?;
    }
    Ok(EntryId { ms: low, seq: 0 })
}

/// Whether an entry is an event older than `since`. Entries that are not events of the portal are never
/// removed.
fn is_older(entry: &Entry, since: Timestamp) -> bool {
    event_of(entry).is_ok_and(|event| event.at < since)
}

async fn one(
    connection: &mut DedicatedConnection,
    command: &'static str,
    stream: &str,
    from: &str,
    to: &str,
) -> Result<Option<Entry>, StreamError> {
    let reply = connection.send_one(cmd(command).arg(stream).arg(from).arg(to).arg("COUNT").arg(1)).await?;
    Ok(range_reply(reply)?.pop())
}
