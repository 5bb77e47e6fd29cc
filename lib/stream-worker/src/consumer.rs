//! One consumer of a group over the streams of a lane.

mod group;

use crate::crash_tracking::{CrashTracker, CrashTrackingOptions};
use crate::value::{member, number, ok, text};
use crate::{Connect, DedicatedConnection, Entry, EntryId, StreamError};
use crate::{frame, linger};
use redis::{Value, cmd, parse_redis_value, pipe};
use std::ops::Range;
use std::time::Duration;
use tokio::time::{Instant, sleep_until};
use worker_runtime::entropy;

/// Time on top of `BLOCK` before a read counts as lost.
const ANSWER: Duration = Duration::from_secs(10);

/// What to read, and how.
#[derive(Clone, Debug)]
pub struct ConsumerOptions {
    /// The consumer group; made at the beginning of each stream if it is not there.
    pub group: String,
    /// The streams of the lane, all of one hash slot. Made if they are not there.
    pub streams: Vec<String>,
    /// So many of them, from the front, are drained before the others.
    pub priority_streams: usize,
    /// At most so many entries of each stream at a time.
    pub count: usize,
    /// How long to wait when there is nothing.
    pub block: Duration,
    /// Whether a read waits. If not, call [`GroupConsumer::wait`].
    pub blocking: bool,
    /// After a read that returned something, but less than there may be in a batch, entries gather for about so long,
    /// and longer when many come: fewer and larger batches cost less. What comes after a pause is read at once.
    pub linger: Duration,
    /// Whether entries stay pending until they are acknowledged. If not, whoever reads keeps for himself how far he
    /// is: what a consumer was handed that is gone is not handed out again, and must be found elsewhere.
    pub ack_required: bool,
    /// Whether entries are looked out for that end the process again and again.
    pub crash_tracking: Option<CrashTrackingOptions>,
}

/// Where the next entries come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Source {
    /// What was delivered before and not acknowledged; of the first streams also all that is new.
    Pending {
        /// Nothing new was left on the first streams when they were last read: the others are next.
        first_drained: bool,
    },
    /// What nobody was given yet.
    New,
}

/// What to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum From {
    /// What is pending with us and was not handed out.
    Pending,
    /// What nobody was given yet; waits for it.
    Undelivered,
    /// The same, without waiting.
    UndeliveredNow,
}

/// A consumer with a connection and a name of its own.
pub struct GroupConsumer {
    connection: DedicatedConnection,
    options: ConsumerOptions,
    name: String,
    source: Source,
    /// The newest entry of each stream that was handed out: it may be in work still.
    handed_out: Vec<EntryId>,
    suspects: Option<CrashTracker>,
    /// Until then new entries gather.
    gathers_until: Instant,
    /// The oldest entry of each stream that is not acknowledged, as of the last read.
    oldest_pending: Vec<Option<EntryId>>,
    /// The newest entry of each stream that was pending when this consumer took over.
    taken_over: Vec<EntryId>,
    /// Where each stream ended when this consumer last took over: what it waits for comes after.
    ends: Vec<EntryId>,
}

/// What is handed out in one go.
#[derive(Debug, Default)]
pub struct EntryBatch {
    /// In the order in which they must be handled: by stream, then by id. Empty when nothing came in time.
    pub entries: Vec<Entry>,
    /// The one entry is under suspicion of ending processes: it must be acknowledged before the next read.
    pub alone: bool,
    /// So many processes ended while they handled the one entry: handle it no more.
    pub deaths: u32,
}

impl GroupConsumer {
    /// Connects under a fresh name, makes the groups, and takes over all that is pending with others; what is pending
    /// in a group that does not acknowledge is from before it was so, and is acknowledged.
    pub async fn open(server: &impl Connect, options: ConsumerOptions) -> Result<GroupConsumer, StreamError> {
        let connection = DedicatedConnection::open(server, options.block + ANSWER).await?;
        let name = fresh_name();
        let source = Source::New;
        let (handed_out, oldest_pending) =
            (vec![EntryId::ZERO; options.streams.len()], vec![None; options.streams.len()]);
        let (taken_over, suspects) =
            (handed_out.clone(), options.crash_tracking.clone().map(CrashTracker::new));
        let mut consumer = GroupConsumer {
            connection,
            options,
            name,
            source,
            handed_out,
            suspects,
            gathers_until: Instant::now(),
            oldest_pending,
            ends: taken_over.clone(),
            taken_over,
        };
        consumer.make_groups().await?;
        match consumer.options.ack_required {
            true => consumer.claim_all().await?,
            false => consumer.forget_pending().await?,
        }
        consumer.remove_empty_consumers().await?;
        Ok(consumer)
    }

    /// Its name: `<host>-<pid>-<random>`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it reads.
    pub fn options(&self) -> &ConsumerOptions {
        &self.options
    }

    /// The next entries. What earlier calls returned may still be in work; it is not handed out again.
    pub async fn read(&mut self) -> Result<EntryBatch, StreamError> {
        loop {
            let handout = match self.source {
                Source::New => self.read_new().await?,
                Source::Pending { first_drained } => self.read_pending(first_drained).await?,
            };
            let Some(handout) = handout else { continue };
            for entry in &handout.entries {
                let newest = &mut self.handed_out[entry.stream];
                *newest = entry.id.max(*newest);
            }
            return Ok(handout);
        }
    }

    /// What nobody was given yet. `None`: another source is next.
    async fn read_new(&mut self) -> Result<Option<EntryBatch>, StreamError> {
        let (first, all) = (self.options.priority_streams, self.options.streams.len());
        sleep_until(self.gathers_until).await;
        let Some(mut entries) = self.read_from(0..all, From::Undelivered, self.options.count).await? else {
            self.claim_all().await?;
            return Ok(None);
        };
        self.clear_marker().await?;
        if (1..self.options.count).contains(&entries.len()) {
            let gathers = linger::time(self.options.linger, entries.len(), entropy::clock());
            self.gathers_until = Instant::now() + gathers;
        }
        if self.any_full(&entries, first) {
            // More of the first streams may have come before the other entries, which stay pending with
            // us meanwhile.
            self.source = Source::Pending { first_drained: false };
            entries.retain(|entry| entry.stream < first);
        }
        Ok(Some(EntryBatch { entries, ..EntryBatch::default() }))
    }

    /// Of the first streams all that there is, old and new, then what is pending of the others. `None`:
    /// another source is next.
    async fn read_pending(&mut self, first_drained: bool) -> Result<Option<EntryBatch>, StreamError> {
        let (first, all) = (self.options.priority_streams, self.options.streams.len());
        if first > 0 && !first_drained {
            for from in [From::Pending, From::UndeliveredNow] {
                let Some(handout) = self.pending_from(0..first, from).await? else {
                    self.claim_all().await?;
                    return Ok(None);
                };
                // An answer that is not full holds everything that was there: what comes later is newer
                // than what is pending of the others.
                let drained = from == From::UndeliveredNow && !self.any_full(&handout.entries, first);
                self.source = Source::Pending { first_drained: drained };
                if !handout.entries.is_empty() {
                    return Ok(Some(handout));
                }
            }
        }
        match self.pending_from(first..all, From::Pending).await? {
            None => self.claim_all().await?,
            Some(handout) if handout.entries.is_empty() => {
                self.source = Source::New;
                self.taken_over.clone_from(&self.handed_out);
            }
            Some(handout) => return Ok(Some(handout)),
        }
        Ok(None)
    }

    /// Reads, and looks whether what is pending has ended processes before.
    async fn pending_from(
        &mut self,
        streams: Range<usize>,
        from: From,
    ) -> Result<Option<EntryBatch>, StreamError> {
        let Some(mut entries) = self.read_from(streams, from, self.options.count).await? else {
            return Ok(None);
        };
        let mut deaths = None;
        if from == From::Pending
            && let (Some(suspects), Some(first)) = (&mut self.suspects, entries.first())
        {
            let stream = &self.options.streams[first.stream];
            deaths = suspects.mark_in_progress(&mut self.connection, stream, first.id).await?;
        }
        if deaths.is_some() {
            entries.truncate(1);
        }
        Ok(Some(EntryBatch { entries, alone: deaths.is_some(), deaths: deaths.unwrap_or(0) }))
    }

    /// All that was pending may be acknowledged by now: nothing is under suspicion any more.
    async fn clear_marker(&mut self) -> Result<(), StreamError> {
        let Some(suspects) = self.suspects.as_mut().filter(|suspects| suspects.marked()) else {
            return Ok(());
        };
        let mut streams = self.oldest_pending.iter().zip(&self.taken_over);
        if streams.all(|(oldest, taken_over)| oldest.is_none_or(|oldest| oldest > *taken_over)) {
            suspects.clear(&mut self.connection).await?;
        }
        Ok(())
    }

    fn any_full(&self, entries: &[Entry], first: usize) -> bool {
        (0..first)
            .any(|stream| entries.iter().filter(|entry| entry.stream == stream).count() >= self.options.count)
    }

    /// Reads, and in the same round trip looks whether anything is pending with another consumer: Redis
    /// does not fence readers, so a paused one can still be handed entries that are older than ours.
    /// `None` if so.
    async fn read_from(
        &mut self,
        streams: Range<usize>,
        from: From,
        count: usize,
    ) -> Result<Option<Vec<Entry>>, StreamError> {
        let options = &self.options;
        let mut read = cmd("XREADGROUP");
        read.arg("GROUP").arg(&options.group).arg(&self.name).arg("COUNT").arg(count);
        if from == From::Undelivered && options.blocking {
            read.arg("BLOCK").arg(u64::try_from(options.block.as_millis()).unwrap_or(u64::MAX));
        }
        if !options.ack_required {
            read.arg("NOACK");
        }
        read.arg("STREAMS").arg(&options.streams[streams.clone()]);
        for stream in streams {
            match from {
                From::Pending => read.arg(self.handed_out[stream].to_string()),
                From::Undelivered | From::UndeliveredNow => read.arg(">"),
            };
        }
        let mut commands = pipe();
        commands.add_command(read);
        for stream in self.options.streams.iter().filter(|_| options.ack_required) {
            commands.cmd("XPENDING").arg(stream).arg(&self.options.group);
        }
        let mut replies = self.connection.send_for_frames(&commands).await?.into_iter();
        let entries = frame::entries(&self.options.streams, &replies.next().unwrap_or_default())?;
        let mut foreign = false;
        for (stream, summary) in replies.enumerate() {
            let summary = ok(parse_redis_value(&summary)?)?;
            foreign |= self.has_foreign(&summary)?;
            self.oldest_pending[stream] = oldest(&summary);
        }
        Ok((!foreign).then_some(entries))
    }

    /// Whether an `XPENDING` summary names anybody else.
    fn has_foreign(&self, summary: &Value) -> Result<bool, StreamError> {
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

/// The oldest pending entry of an `XPENDING` summary.
fn oldest(summary: &Value) -> Option<EntryId> {
    let Value::Array(parts) = summary else { return None };
    text(parts.get(1)?)?.parse().ok()
}

/// A name `<host>-<pid>-<random>`. Never used twice: an abandoned blocked read still lives in the server and can be handed entries
/// under its old name.
pub fn fresh_name() -> String {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let host = if host.trim().is_empty() { "host" } else { host.trim() };
    format!("{host}-{}-{:08x}", std::process::id(), entropy::random_u64() >> 32)
}

/// How many entries a group has pending in a stream, as `XPENDING` counts them.
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
