//! Group membership of a consumer: joining, claiming, leaving.

use super::{GroupConsumer, Source};
use crate::value::{number, ok, text};
use crate::{EntryId, StreamError};
use redis::{Pipeline, Value, cmd, pipe};

/// Idle time after which another consumer without pending entries is removed, in milliseconds.
const REMOVE_CONSUMER_AFTER_MS: i64 = 60_000;

/// Checks and removes in one atomic step: between two steps, an entry could be delivered to the consumer and
/// be removed with it.
const REMOVE_EMPTY_CONSUMERS: &str = include_str!("../remove_empty_consumers.lua");

impl GroupConsumer {
    /// Claims all pending entries of the group; they are read next.
    pub(super) async fn claim_all(&mut self) -> Result<(), StreamError> {
        self.source = Source::Pending { priority_drained: false };
        self.claim_in_steps().await.map(drop)
    }

    /// Acknowledges all pending entries of the group.
    pub(super) async fn acknowledge_pending(&mut self) -> Result<(), StreamError> {
        let mut acknowledge = pipe();
        for (stream, ids) in self.claim_in_steps().await? {
            acknowledge.cmd("XACK").arg(stream).arg(&self.options.group).arg(ids);
        }
        self.connection.send(&acknowledge).await?.into_iter().try_for_each(|reply| ok(reply).map(drop))
    }

    /// Claims all pending entries of the group in steps, and returns their ids by stream.
    async fn claim_in_steps(&mut self) -> Result<Vec<(String, Vec<String>)>, StreamError> {
        let mut claimed = Vec::new();
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
                let ids = parts.get(1).and_then(texts).unwrap_or_default();
                if !ids.is_empty() {
                    claimed.push((stream.clone(), ids));
                }
                if cursor == "0-0" {
                    break;
                }
            }
        }
        Ok(claimed)
    }

    /// Claims all pending entries of the group, as opening a consumer does. They are returned next, including
    /// those that this consumer has returned before.
    ///
    /// # Errors
    ///
    /// Returns an error if the connection fails, or a stream or group was deleted. Drop the consumer then.
    pub async fn take_over(&mut self) -> Result<(), StreamError> {
        self.ends_at_takeover = self.last_ids().await?;
        self.last_delivered.fill(EntryId::ZERO);
        self.claim_all().await
    }

    /// Waits until a stream has entries that were added after the last
    /// [`take_over`](GroupConsumer::take_over), for at most
    /// [`ConsumerOptions::block`](crate::ConsumerOptions::block). Delivers nothing: other consumers may read
    /// the entries first.
    ///
    /// # Errors
    ///
    /// Returns an error if the connection fails. Drop the consumer then.
    pub async fn wait(&mut self) -> Result<(), StreamError> {
        let mut read = cmd("XREAD");
        read.arg("COUNT").arg(1).arg("BLOCK");
        read.arg(u64::try_from(self.options.block.as_millis()).unwrap_or(u64::MAX));
        read.arg("STREAMS").arg(&self.options.streams);
        for end in &self.ends_at_takeover {
            read.arg(end.to_string());
        }
        self.connection.send_one(&read).await.map(drop)
    }

    pub(super) async fn create_groups(&mut self) -> Result<(), StreamError> {
        let mut commands = pipe();
        for stream in &self.options.streams {
            create_group(&mut commands, stream, &self.options.group);
        }
        for reply in self.connection.send(&commands).await? {
            match reply {
                Value::ServerError(error) if error.code() == "BUSYGROUP" => {}
                other => drop(ok(other)?),
            }
        }
        Ok(())
    }

    pub(super) async fn remove_empty_consumers(&mut self) -> Result<(), StreamError> {
        for stream in &self.options.streams {
            let mut script = cmd("EVAL");
            script.arg(REMOVE_EMPTY_CONSUMERS).arg(1).arg(stream).arg(&self.options.group).arg(&self.name);
            script.arg(REMOVE_CONSUMER_AFTER_MS);
            let removed = self.connection.send_one(&script).await?;
            if let Some(removed) = number(&removed).filter(|removed| *removed > 0) {
                tracing::debug!(stream, removed, "removed idle consumers");
            }
        }
        Ok(())
    }

    /// Leaves the group. A consumer with pending entries stays in the group, until another one has claimed
    /// them and the minimum idle time has passed.
    ///
    /// # Errors
    ///
    /// Returns an error if the connection fails. Other consumers remove this one later.
    pub async fn leave(mut self) -> Result<(), StreamError> {
        for stream in self.options.streams.clone() {
            let mut script = cmd("EVAL");
            script.arg(REMOVE_EMPTY_CONSUMERS).arg(1).arg(&stream).arg(&self.options.group);
            // The last argument selects this consumer alone, and overrides the other two.
            script.arg("").arg(-1).arg(&self.name);
            self.connection.send_one(&script).await?;
        }
        Ok(())
    }

    /// Returns the last id that each stream generated, in the order of the options; zero for a stream without
    /// entries.
    ///
    /// # Errors
    ///
    /// Returns an error if the connection fails.
    pub async fn last_ids(&mut self) -> Result<Vec<EntryId>, StreamError> {
        let mut commands = pipe();
        for stream in &self.options.streams {
            commands.cmd("XINFO").arg("STREAM").arg(stream);
        }
        let replies = self.connection.send(&commands).await?;
        replies.iter().map(crate::value::last_generated_id).collect()
    }
}

fn texts(value: &Value) -> Option<Vec<String>> {
    let Value::Array(values) = value else { return None };
    values.iter().map(|value| text(value).map(str::to_owned)).collect()
}

/// Adds the command that creates a group at the beginning of a stream, so that it receives existing entries
/// too.
fn create_group(commands: &mut Pipeline, stream: &str, group: &str) {
    commands.cmd("XGROUP").arg("CREATE").arg(stream).arg(group).arg("0").arg("MKSTREAM");
}
