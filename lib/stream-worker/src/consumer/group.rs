//! A consumer's dealings with its group: joining, taking over, leaving.

use super::{GroupConsumer, Source};
use crate::value::{number, ok, text};
use crate::{EntryId, StreamError};
use redis::{Pipeline, Value, cmd, pipe};

/// Another consumer that has nothing pending and was not heard of for so long is removed.
const FORGET_CONSUMER_AFTER_MS: i64 = 60_000;

/// Checks and removes in one step: between two, an entry could be handed out and be lost with it.
const REMOVE_EMPTY_CONSUMERS: &str = include_str!("../remove_empty_consumers.lua");

impl GroupConsumer {
    /// Takes over all that is pending with others; it is read next.
    pub(super) async fn claim_all(&mut self) -> Result<(), StreamError> {
        self.source = Source::Pending { first_drained: false };
        self.claim_in_steps().await.map(drop)
    }

    /// Acknowledges all that is pending with anybody.
    pub(super) async fn forget_pending(&mut self) -> Result<(), StreamError> {
        let mut acknowledge = pipe();
        for (stream, ids) in self.claim_in_steps().await? {
            acknowledge.cmd("XACK").arg(stream).arg(&self.options.group).arg(ids);
        }
        self.connection.send(&acknowledge).await?.into_iter().try_for_each(|reply| ok(reply).map(drop))
    }

    /// Claims all that is pending, so many entries at a time; returns which.
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

    /// Takes over all that is pending with anybody, as opening a consumer does: it is handed out next, also
    /// what this one was handed before.
    pub async fn take_over(&mut self) -> Result<(), StreamError> {
        self.ends = self.last_ids().await?;
        self.handed_out.fill(EntryId::ZERO);
        self.claim_all().await
    }

    /// Waits until a stream has more entries than when this consumer last took over, but not longer than a
    /// read waits. Hands out nothing: others of the group may take it.
    pub async fn wait(&mut self) -> Result<(), StreamError> {
        let mut read = cmd("XREAD");
        read.arg("COUNT").arg(1).arg("BLOCK");
        read.arg(u64::try_from(self.options.block.as_millis()).unwrap_or(u64::MAX));
        read.arg("STREAMS").arg(&self.options.streams);
        for end in &self.ends {
            read.arg(end.to_string());
        }
        self.connection.send_one(&read).await.map(drop)
    }

    pub(super) async fn make_groups(&mut self) -> Result<(), StreamError> {
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

    pub(super) async fn remove_empty_consumers(&mut self) -> Result<(), StreamError> {
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

/// Groups start at the beginning: what came before them is theirs too.
fn make_group(commands: &mut Pipeline, stream: &str, group: &str) {
    commands.cmd("XGROUP").arg("CREATE").arg(stream).arg(group).arg("0").arg("MKSTREAM");
}
