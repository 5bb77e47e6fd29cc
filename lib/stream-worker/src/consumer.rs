//! One consumer of a group over the streams of a lane.

use crate::entry::read_reply;
use crate::value::{member, number, ok, text};
use crate::{DedicatedConnection, Entry, StreamError};
use redis::{Client, Pipeline, Value, cmd, pipe};
use std::ops::Range;
use std::time::Duration;

/// Time on top of `BLOCK` before a read counts as lost.
const ANSWER: Duration = Duration::from_secs(10);

/// Another consumer that has nothing pending and was not heard of for so long is removed.
const FORGET_CONSUMER_AFTER_MS: i64 = 60_000;

/// Checks and removes in one step: between two, an entry could be handed out and be lost with it.
const REMOVE_EMPTY_CONSUMERS: &str = include_str!("remove_empty_consumers.lua");

/// What to read, and how.
#[derive(Clone, Debug)]
pub struct ConsumerOptions {
    /// The consumer group; made at the beginning of each stream if it is not there.
    pub group: String,
    /// The streams of the lane, all of one hash slot. Made if they are not there.
    pub streams: Vec<String>,
    /// So many of them, from the front, are drained before the others.
    pub first: usize,
    /// At most so many entries of each stream at a time.
    pub count: usize,
    /// How long to wait when there is nothing.
    pub block: Duration,
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

/// A consumer with a connection and a name of its own.
pub struct GroupConsumer {
    connection: DedicatedConnection,
    options: ConsumerOptions,
    name: String,
    source: Source,
}

impl GroupConsumer {
    /// Connects under a fresh name, makes the groups, and takes over all that is pending with others.
    pub async fn open(client: &Client, options: ConsumerOptions) -> Result<GroupConsumer, StreamError> {
        let connection = DedicatedConnection::open(client, options.block + ANSWER).await?;
        let name = fresh_name();
        let source = Source::Pending { first_drained: false };
        let mut consumer = GroupConsumer { connection, options, name, source };
        consumer.make_groups().await?;
        consumer.claim_all().await?;
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

    /// The next entries, in the order in which they must be handled: by stream, then by id. Empty when
    /// nothing came in time. Whatever an earlier call returned must have been acknowledged by now.
    pub async fn read(&mut self) -> Result<Vec<Entry>, StreamError> {
        loop {
            let entries = match self.source {
                Source::New => self.read_new().await?,
                Source::Pending { first_drained } => self.read_pending(first_drained).await?,
            };
            match entries {
                Some(entries) => return Ok(entries),
                None => continue,
            }
        }
    }

    /// What nobody was given yet. `None`: another source is next.
    async fn read_new(&mut self) -> Result<Option<Vec<Entry>>, StreamError> {
        let (first, all) = (self.options.first, self.options.streams.len());
        let Some(entries) = self.read_from(0..all, ">", true).await? else {
            self.claim_all().await?;
            return Ok(None);
        };
        if !self.any_full(&entries, first) {
            return Ok(Some(entries));
        }
        // More of the first streams may have come before the other entries, which stay pending with us
        // meanwhile.
        self.source = Source::Pending { first_drained: false };
        Ok(Some(entries.into_iter().filter(|entry| entry.stream < first).collect()))
    }

    /// Of the first streams all that there is, old and new, then what is pending of the others. `None`:
    /// another source is next.
    async fn read_pending(&mut self, first_drained: bool) -> Result<Option<Vec<Entry>>, StreamError> {
        let (first, all) = (self.options.first, self.options.streams.len());
        if first > 0 && !first_drained {
            for from in ["0", ">"] {
                let Some(entries) = self.read_from(0..first, from, false).await? else {
                    self.claim_all().await?;
                    return Ok(None);
                };
                // An answer that is not full holds everything that was there: what comes later is newer
                // than what is pending of the others.
                let drained = from == ">" && !self.any_full(&entries, first);
                self.source = Source::Pending { first_drained: drained };
                if !entries.is_empty() {
                    return Ok(Some(entries));
                }
            }
        }
        match self.read_from(first..all, "0", false).await? {
            None => self.claim_all().await?,
            Some(entries) if entries.is_empty() => self.source = Source::New,
            Some(entries) => return Ok(Some(entries)),
        }
        Ok(None)
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
        from: &str,
        block: bool,
    ) -> Result<Option<Vec<Entry>>, StreamError> {
        let options = &self.options;
        let mut read = cmd("XREADGROUP");
        read.arg("GROUP").arg(&options.group).arg(&self.name).arg("COUNT").arg(options.count);
        if block {
            read.arg("BLOCK").arg(u64::try_from(options.block.as_millis()).unwrap_or(u64::MAX));
        }
        read.arg("STREAMS").arg(&options.streams[streams.clone()]);
        streams.clone().for_each(|_| {
            read.arg(from);
        });
        let mut commands = pipe();
        commands.add_command(read);
        for stream in &options.streams {
            commands.cmd("XPENDING").arg(stream).arg(&options.group);
        }
        let mut replies = self.connection.send(&commands).await?.into_iter();
        let entries = read_reply(&self.options.streams, replies.next().unwrap_or(Value::Nil))?;
        for summary in replies {
            if self.has_foreign(ok(summary)?)? {
                return Ok(None);
            }
        }
        Ok(Some(entries))
    }

    /// Whether an `XPENDING` summary names anybody else.
    fn has_foreign(&self, summary: Value) -> Result<bool, StreamError> {
        const COMMAND: &str = "XPENDING";
        let Value::Array(parts) = &summary else { return Err(StreamError::unexpected(COMMAND, &summary)) };
        match parts.get(3) {
            Some(Value::Nil) => Ok(false),
            Some(Value::Array(consumers)) => Ok(consumers.iter().any(|consumer| match consumer {
                Value::Array(pair) => pair.first().and_then(text) != Some(&self.name),
                _ => true,
            })),
            _ => Err(StreamError::unexpected(COMMAND, &summary)),
        }
    }

    /// Takes over all that is pending with others; it is read next.
    async fn claim_all(&mut self) -> Result<(), StreamError> {
        self.source = Source::Pending { first_drained: false };
        for stream in self.options.streams.clone() {
            let mut cursor = "0-0".to_owned();
            loop {
                let mut claim = cmd("XAUTOCLAIM");
                claim.arg(&stream).arg(&self.options.group).arg(&self.name).arg(0).arg(&cursor);
                claim.arg("COUNT").arg(1000).arg("JUSTID");
                let reply = self.connection.send_one(&claim).await?;
                let Value::Array(parts) = &reply else {
                    return Err(StreamError::unexpected("XAUTOCLAIM", &reply));
                };
                cursor = match parts.first().and_then(text) {
                    Some(next) => next.to_owned(),
                    None => return Err(StreamError::unexpected("XAUTOCLAIM", &reply)),
                };
                if cursor == "0-0" {
                    break;
                }
            }
        }
        Ok(())
    }

    async fn make_groups(&mut self) -> Result<(), StreamError> {
        let mut commands = pipe();
        for stream in &self.options.streams {
            make_group(&mut commands, stream, &self.options.group);
        }
        for reply in self.connection.send(&commands).await? {
            match reply {
                Value::ServerError(error) if error.code() == "BUSYGROUP" => {}
                other => drop(ok(other)?),
            }
        }
        Ok(())
    }

    async fn remove_empty_consumers(&mut self) -> Result<(), StreamError> {
        for stream in &self.options.streams {
            let mut script = cmd("EVAL");
            script.arg(REMOVE_EMPTY_CONSUMERS).arg(1).arg(stream).arg(&self.options.group).arg(&self.name);
            script.arg(FORGET_CONSUMER_AFTER_MS);
            let removed = self.connection.send_one(&script).await?;
            if let Some(removed) = number(&removed).filter(|removed| *removed > 0) {
                tracing::debug!(stream, removed, "removed consumers that had gone");
            }
        }
        Ok(())
    }

    /// Leaves the group, if nothing is pending with us.
    pub async fn leave(mut self) -> Result<(), StreamError> {
        for stream in self.options.streams.clone() {
            let mut script = cmd("EVAL");
            script.arg(REMOVE_EMPTY_CONSUMERS).arg(1).arg(&stream).arg(&self.options.group);
            // Nobody is spared, and nobody but we ourselves can have been idle for a negative time.
            script.arg("").arg(-1).arg(&self.name);
            self.connection.send_one(&script).await?;
        }
        Ok(())
    }

    /// The newest id that each stream ever had.
    pub async fn last_ids(&mut self) -> Result<Vec<crate::EntryId>, StreamError> {
        let mut commands = pipe();
        for stream in &self.options.streams {
            commands.cmd("XINFO").arg("STREAM").arg(stream);
        }
        let replies = self.connection.send(&commands).await?;
        replies.iter().map(crate::value::last_generated_id).collect()
    }
}

/// Groups start at the beginning: what came before them is theirs too.
fn make_group(commands: &mut Pipeline, stream: &str, group: &str) {
    commands.cmd("XGROUP").arg("CREATE").arg(stream).arg(group).arg("0").arg("MKSTREAM");
}

/// Never used twice: an abandoned blocked read still lives in the server and can be handed entries
/// under its old name.
fn fresh_name() -> String {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let host = if host.trim().is_empty() { "host" } else { host.trim() };
    let random = uuid::Uuid::new_v4().as_fields().0;
    format!("{host}-{}-{random:08x}", std::process::id())
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
