//! Entries that end the process which handles them: a bug that aborts, or memory that runs out.
//!
//! Whoever handles what was pending writes its name into a marker in Redis, a hash, until all of it is acknowledged.
//! A process that finds the names of others there takes them for gone. After some of them, what is pending
//! is handed out one by one, and beside each name stands which entry was in work. The entry that stands beside the
//! names of one lost process after another is the culprit; its neighbours are not.
//!
//! A process that only waits for a server lives, and says so ([`absolve`]): it takes its name out, whoever has counted
//! it meanwhile. Each process writes beside its own name alone and reads the others' anew each time, so that nobody
//! brings back a name that was taken out.

use crate::value::{ok, text};
use crate::{DedicatedConnection, EntryId, StreamError};
use redis::{Value, cmd, pipe};

/// A marker that nobody renewed for so long is forgotten: processes that end once a day have another cause.
const FORGET_AFTER_MS: u64 = 600_000;

/// What stands beside the name of a process that handles many entries at once.
const MANY: &str = "-";

/// When entries are suspicious.
#[derive(Clone, Debug)]
pub struct CrashTrackingOptions {
    /// The key of the marker; of the hash slot of the streams.
    pub marker: String,
    /// What names this process, and no other one ever.
    pub process: String,
    /// After so many processes that ended while they handled what was pending, it is handled one by one.
    pub one_by_one_after: u32,
}

/// The marker, as this process uses it.
pub(crate) struct CrashTracker {
    options: CrashTrackingOptions,
    /// This consumer handles what was pending.
    marked: bool,
}

/// What stands in the marker.
#[derive(Debug, Default, PartialEq, Eq)]
struct Found {
    /// What this process has in work by it, if its name is there.
    own: Option<String>,
    /// What the others had in work.
    others: Vec<String>,
}

impl CrashTracker {
    pub(crate) fn new(options: CrashTrackingOptions) -> CrashTracker {
        CrashTracker { options, marked: false }
    }

    /// Something was pending that begins with this entry, and is to be handled now. Returns how many
    /// processes have ended under it if it is to be handled alone.
    pub(crate) async fn mark_in_progress(
        &mut self,
        connection: &mut DedicatedConnection,
        stream: &str,
        entry: EntryId,
    ) -> Result<Option<u32>, StreamError> {
        let CrashTrackingOptions { marker, process, one_by_one_after } = &self.options;
        let found = Found::read(&connection.send_one(cmd("HGETALL").arg(marker)).await?, process)?;
        let place = format!("{stream} {entry}");
        let alone = count(&found.others) >= *one_by_one_after;
        let deaths = count(found.others.iter().filter(|other| **other == place));
        let in_work = if alone { place } else { MANY.to_owned() };
        self.marked = true;
        if found.own.as_ref() != Some(&in_work) {
            let mut write = pipe();
            write.cmd("HSET").arg(marker).arg(process).arg(in_work);
            write.cmd("PEXPIRE").arg(marker).arg(FORGET_AFTER_MS);
            connection.send(&write).await?.into_iter().try_for_each(|reply| ok(reply).map(drop))?;
        }
        Ok(alone.then_some(deaths))
    }

    /// Whether there is a marker to clear.
    pub(crate) fn marked(&self) -> bool {
        self.marked
    }

    /// All that was pending is acknowledged.
    pub(crate) async fn clear(&mut self, connection: &mut DedicatedConnection) -> Result<(), StreamError> {
        connection.send_one(cmd("DEL").arg(&self.options.marker)).await?;
        self.marked = false;
        Ok(())
    }
}

/// This process is interrupted by a server, not by an entry: it lives, and if it is ended now, that does not count.
pub async fn clear_own_mark(
    connection: &mut DedicatedConnection,
    options: &CrashTrackingOptions,
) -> Result<Value, StreamError> {
    connection.send_one(cmd("HDEL").arg(&options.marker).arg(&options.process)).await
}

fn count<T>(of: impl IntoIterator<Item = T>) -> u32 {
    u32::try_from(of.into_iter().count()).unwrap_or(u32::MAX)
}

impl Found {
    /// Reads a reply to `HGETALL`.
    fn read(reply: &Value, process: &str) -> Result<Found, StreamError> {
        let Value::Array(flat) = reply else { return Err(StreamError::unexpected("HGETALL", reply)) };
        let mut found = Found::default();
        for pair in flat.chunks_exact(2) {
            let in_work = text(&pair[1]).unwrap_or_default().to_owned();
            match text(&pair[0]) == Some(process) {
                true => found.own = Some(in_work),
                false => found.others.push(in_work),
            }
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_tells_its_own_name_from_the_others() {
        let flat = ["host-1-ab", "-", "host-2-cd", "{a}:s with spaces 5-1"];
        let reply = Value::Array(flat.map(|word| Value::BulkString(word.into())).to_vec());
        let found = Found::read(&reply, "host-1-ab").unwrap();
        assert_eq!(
            found,
            Found { own: Some("-".to_owned()), others: vec!["{a}:s with spaces 5-1".to_owned()] }
        );
        assert_eq!(Found::read(&reply, "host-3-ef").unwrap().others.len(), 2);
        assert!(Found::read(&Value::Nil, "host-1-ab").is_err());
    }
}
