//! Consumer of a group that reads the streams of one partition in order.

mod fetch;
mod group;

use crate::crash_tracking::{CrashTracker, CrashTrackingOptions};
use crate::linger;
use crate::value::{member, number};
use crate::{Connect, DedicatedConnection, Entry, EntryId, StreamError};
use fetch::ReadKind;
use redis::{Value, cmd};
use std::ops::Range;
use std::time::Duration;
use tokio::time::{Instant, sleep_until};
use worker_runtime::entropy;

/// Time on top of `BLOCK` after which the reply to a read counts as lost.
const REPLY_MARGIN: Duration = Duration::from_secs(10);

/// Configuration of a [`GroupConsumer`].
#[derive(Clone, Debug)]
pub struct ConsumerOptions {
    /// Name of the consumer group. Created if missing; it then starts at the beginning of each stream.
    pub group: String,
    /// Keys of the streams of the partition, all in one hash slot. Created if missing.
    pub streams: Vec<String>,
    /// Number of streams, from the front of `streams`, that are drained before the others.
    pub priority_streams: usize,
    /// Maximum number of entries of each stream in one batch.
    pub count: usize,
    /// Longest time that a read waits for entries.
    pub block: Duration,
    /// Whether a read waits if there are no entries. If `false`, use [`GroupConsumer::wait`] to wait.
    pub blocking: bool,
    /// Time to wait for more entries after a batch that was not empty and not full; up to five times as long
    /// after larger batches. Larger batches cost less per entry. An entry that arrives after a pause is read
    /// at once.
    pub linger: Duration,
    /// Whether entries stay pending until they are acknowledged. If `false`, each entry is delivered at most
    /// once: the reader must record its own position, and get entries that were lost in a crash from another
    /// source.
    pub ack_required: bool,
    /// Detection of entries that crash one process after another. Off if `None`.
    pub crash_tracking: Option<CrashTrackingOptions>,
}

/// Source of the next batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Source {
    /// Entries that are pending; of the priority streams also all new entries.
    Pending {
        /// The priority streams had no new entries when they were last read: the other streams are next.
        priority_drained: bool,
    },
    /// Entries that were not delivered to any consumer.
    New,
}

/// Consumer of a group, with its own connection and name.
///
/// Guarantees:
///
/// * Entries that were delivered earlier, to any consumer, and are not acknowledged are returned before newer
///   entries of the same stream. Every read checks in the same round trip whether another consumer has
///   pending entries.
/// * Entries of the priority streams are returned before entries of the other streams that were added later.
/// * An entry is returned again, to this or another consumer, until it is acknowledged
///   ([`ConsumerOptions::ack_required`]).
///
/// Rules for callers:
///
/// * Drop the consumer after any error and open a new one.
/// * Do not drop the future of a read before it completes, as `select!` does: the server may have delivered
///   already.
/// * Acknowledge an entry only after its result is stored.
pub struct GroupConsumer {
    connection: DedicatedConnection,
    options: ConsumerOptions,
    name: String,
    source: Source,
    /// Newest entry of each stream that `read` has returned; the caller may still be handling it.
    last_delivered: Vec<EntryId>,
    crash_tracker: Option<CrashTracker>,
    /// Time before which new entries are not read, so that more arrive.
    linger_until: Instant,
    /// Oldest pending entry of each stream, as of the last read.
    oldest_pending: Vec<Option<EntryId>>,
    /// Newest entry of each stream that was pending when this consumer took over.
    taken_over_up_to: Vec<EntryId>,
    /// Last id of each stream when this consumer last took over: `wait` waits for entries after it.
    ends_at_takeover: Vec<EntryId>,
}

/// Entries returned by one read.
#[derive(Debug, Default)]
pub struct EntryBatch {
    /// Entries in the order in which they must be handled: by stream, then by id. Empty if none arrived in
    /// time.
    pub entries: Vec<Entry>,
    /// Whether the batch is a single entry that may crash processes. Acknowledge it before the next read.
    pub isolated: bool,
    /// Number of processes that crashed while they handled this single entry. The caller decides after how
    /// many it no longer handles the entry.
    pub crashes: u32,
}

impl GroupConsumer {
    /// Connects under a new name, creates missing groups, claims all pending entries and removes idle
    /// consumers.
    ///
    /// If [`ConsumerOptions::ack_required`] is `false`, pending entries are leftovers of an earlier
    /// configuration: they are acknowledged and not delivered.
    ///
    /// # Errors
    ///
    /// Returns an error if the connection fails or the server refuses a command.
    pub async fn open(server: &impl Connect, options: ConsumerOptions) -> Result<GroupConsumer, StreamError> {
        let connection = DedicatedConnection::open(server, options.block + REPLY_MARGIN).await?;
        let zeros = vec![EntryId::ZERO; options.streams.len()];
        let mut consumer = GroupConsumer {
            connection,
            name: fresh_name(),
            source: Source::New,
            last_delivered: zeros.clone(),
            crash_tracker: options.crash_tracking.clone().map(CrashTracker::new),
            linger_until: Instant::now(),
            oldest_pending: vec![None; options.streams.len()],
            taken_over_up_to: zeros.clone(),
            ends_at_takeover: zeros,
            options,
        };
        consumer.create_groups().await?;
        match consumer.options.ack_required {
            true => consumer.claim_all().await?,
            false => consumer.acknowledge_pending().await?,
        }
        consumer.remove_empty_consumers().await?;
        Ok(consumer)
    }

    /// Returns the name of the consumer: `<host>-<pid>-<random>`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the configuration of the consumer.
    pub fn options(&self) -> &ConsumerOptions {
        &self.options
    }

    /// Returns the next entries, or an empty batch if none arrive within [`ConsumerOptions::block`].
    ///
    /// The caller may still be handling entries of earlier batches: this consumer does not return them again.
    ///
    /// # Errors
    ///
    /// Returns an error if the connection fails, or a stream or group was deleted. Drop the consumer then.
    pub async fn read(&mut self) -> Result<EntryBatch, StreamError> {
        loop {
            let batch = match self.source {
                Source::New => self.read_new().await?,
                Source::Pending { priority_drained } => self.read_pending(priority_drained).await?,
            };
            let Some(batch) = batch else { continue };
            for entry in &batch.entries {
                let newest = &mut self.last_delivered[entry.stream];
                *newest = entry.id.max(*newest);
            }
            return Ok(batch);
        }
    }

    /// Reads new entries. Returns `None` if another source is next.
    async fn read_new(&mut self) -> Result<Option<EntryBatch>, StreamError> {
        let (priority, all) = (self.options.priority_streams, self.options.streams.len());
        sleep_until(self.linger_until).await;
        let Some(mut entries) = self.read_from(0..all, ReadKind::Undelivered, self.options.count).await?
        else {
            self.claim_all().await?;
            return Ok(None);
        };
        self.clear_marks().await?;
        if (1..self.options.count).contains(&entries.len()) {
            let linger = linger::time(self.options.linger, entries.len(), entropy::clock());
            self.linger_until = Instant::now() + linger;
        }
        if self.any_full(&entries, priority) {
            // The priority streams may have more entries that were added before those of the other streams.
            // The latter stay pending with this consumer.
            self.source = Source::Pending { priority_drained: false };
            entries.retain(|entry| entry.stream < priority);
        }
        Ok(Some(EntryBatch { entries, ..EntryBatch::default() }))
    }

    /// Reads all entries of the priority streams, pending and new, then pending entries of the other streams.
    /// Returns `None` if another source is next.
    async fn read_pending(&mut self, priority_drained: bool) -> Result<Option<EntryBatch>, StreamError> {
        let (priority, all) = (self.options.priority_streams, self.options.streams.len());
        if priority > 0 && !priority_drained {
            for kind in [ReadKind::Pending, ReadKind::UndeliveredNow] {
                let Some(batch) = self.read_tracked(0..priority, kind).await? else {
                    self.claim_all().await?;
                    return Ok(None);
                };
                // A reply that is not full contains everything there was: later entries are newer than the
                // pending entries of the other streams.
                let drained = kind == ReadKind::UndeliveredNow && !self.any_full(&batch.entries, priority);
                self.source = Source::Pending { priority_drained: drained };
                if !batch.entries.is_empty() {
                    return Ok(Some(batch));
                }
            }
        }
        match self.read_tracked(priority..all, ReadKind::Pending).await? {
            None => self.claim_all().await?,
            Some(batch) if batch.entries.is_empty() => {
                self.source = Source::New;
                self.taken_over_up_to.clone_from(&self.last_delivered);
            }
            Some(batch) => return Ok(Some(batch)),
        }
        Ok(None)
    }

    /// Reads, and marks pending entries for crash tracking. Returns `None` if another consumer has pending
    /// entries.
    async fn read_tracked(
        &mut self,
        streams: Range<usize>,
        kind: ReadKind,
    ) -> Result<Option<EntryBatch>, StreamError> {
        let Some(mut entries) = self.read_from(streams, kind, self.options.count).await? else {
            return Ok(None);
        };
        let mut crashes = None;
        if kind == ReadKind::Pending
            && let (Some(tracker), Some(first)) = (&mut self.crash_tracker, entries.first())
        {
            let stream = &self.options.streams[first.stream];
            crashes = tracker.mark_in_progress(&mut self.connection, stream, first.id).await?;
        }
        if crashes.is_some() {
            entries.truncate(1);
        }
        Ok(Some(EntryBatch { entries, isolated: crashes.is_some(), crashes: crashes.unwrap_or(0) }))
    }

    /// Removes the crash marks if every entry that this consumer took over is acknowledged.
    async fn clear_marks(&mut self) -> Result<(), StreamError> {
        let Some(tracker) = self.crash_tracker.as_mut().filter(|tracker| tracker.is_marked()) else {
            return Ok(());
        };
        let mut streams = self.oldest_pending.iter().zip(&self.taken_over_up_to);
        if streams.all(|(oldest, taken_over_up_to)| oldest.is_none_or(|oldest| oldest > *taken_over_up_to)) {
            tracker.clear(&mut self.connection).await?;
        }
        Ok(())
    }

    /// Whether one of the priority streams has filled its part of the batch.
    fn any_full(&self, entries: &[Entry], priority: usize) -> bool {
        (0..priority)
            .any(|stream| entries.iter().filter(|entry| entry.stream == stream).count() >= self.options.count)
    }
}

/// Returns a new name `<host>-<pid>-<random>` for a consumer or process.
///
/// A name must never be used twice: the server may still hold a blocked read of an abandoned connection, and
/// deliver entries under the old name.
pub fn fresh_name() -> String {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let host = if host.trim().is_empty() { "host" } else { host.trim() };
    format!("{host}-{}-{:08x}", std::process::id(), entropy::random_u64() >> 32)
}

/// Returns the number of pending entries of a group in a stream, as counted by `XPENDING`.
///
/// # Errors
///
/// Returns an error if the connection fails, or the stream or group does not exist.
pub async fn pending(
    connection: &mut DedicatedConnection,
    stream: &str,
    group: &str,
) -> Result<u64, StreamError> {
    let reply = connection.send_one(cmd("XPENDING").arg(stream).arg(group)).await?;
    let count = match &reply {
        Value::Array(parts) => parts.first().and_then(number),
        other => member(other, "pending").and_then(number),
    };
    count
        .and_then(|count| u64::try_from(count).ok())
        .ok_or_else(|| StreamError::unexpected("XPENDING", &reply))
}
