//! Crash tracking: finds entries that end the process which handles them, because of a bug that aborts or
//! because memory runs out. Such an entry would otherwise be claimed and crash one process after another.
//!
//! While a process handles claimed entries, it keeps a mark in a Redis hash: its name, and what it handles.
//! It removes the mark when all of them are acknowledged. The marks of other processes are taken for those of
//! crashed processes. After [`CrashTrackingOptions::isolate_after`] of them, pending entries are delivered
//! one at a time, and the mark names the entry. The entry that stays in the marks of several crashed
//! processes is the one that crashes them; its neighbours are not.
//!
//! A process that only waits for a server is alive. It removes its own mark ([`clear_own_mark`]), even if
//! another process has counted it already. Each process writes its own mark only and reads the marks again
//! each time, so that no process restores a mark that was removed.

use crate::value::{ok, text};
use crate::{DedicatedConnection, EntryId, StreamError};
use redis::{Value, cmd, pipe};

/// Lifetime of the marks without renewal, in milliseconds. Processes that end once a day have another cause.
const MARKS_TTL_MS: u64 = 600_000;

/// Mark of a process that handles many entries at once.
const MANY: &str = "-";

/// Configuration of crash tracking.
#[derive(Clone, Debug)]
pub struct CrashTrackingOptions {
    /// Key of the hash that holds the marks. It must be in the hash slot of the streams.
    pub marks_key: String,
    /// Name of this process. No other process may ever have used it; see [`crate::consumer::fresh_name`].
    pub process: String,
    /// Number of crashed processes after which pending entries are delivered one at a time.
    pub isolate_after: u32,
}

/// Access to the marks by one consumer.
pub(crate) struct CrashTracker {
    options: CrashTrackingOptions,
    /// Whether this consumer handles claimed entries.
    marked: bool,
}

/// Contents of the hash.
#[derive(Debug, Default, PartialEq, Eq)]
struct Marks {
    /// Mark of this process.
    own: Option<String>,
    /// Marks of the other processes.
    others: Vec<String>,
}

impl CrashTracker {
    pub(crate) fn new(options: CrashTrackingOptions) -> CrashTracker {
        CrashTracker { options, marked: false }
    }

    /// Marks the pending entries that begin with `entry` as being handled. Returns `None` if they can be
    /// delivered together; else only `entry` may be delivered, and the result is the number of processes that
    /// crashed with it.
    pub(crate) async fn mark_in_progress(
        &mut self,
        connection: &mut DedicatedConnection,
        stream: &str,
        entry: EntryId,
    ) -> Result<Option<u32>, StreamError> {
        let CrashTrackingOptions { marks_key, process, isolate_after } = &self.options;
        let marks = Marks::read(&connection.send_one(cmd("HGETALL").arg(marks_key)).await?, process)?;
        let entry_mark = format!("{stream} {entry}");
        let isolated = count(&marks.others) >= *isolate_after;
        let crashes = count(marks.others.iter().filter(|other| **other == entry_mark));
        let mark = if isolated { entry_mark } else { MANY.to_owned() };
        self.marked = true;
        if marks.own.as_ref() != Some(&mark) {
            let mut write = pipe();
            write.cmd("HSET").arg(marks_key).arg(process).arg(mark);
            write.cmd("PEXPIRE").arg(marks_key).arg(MARKS_TTL_MS);
            connection.send(&write).await?.into_iter().try_for_each(|reply| ok(reply).map(drop))?;
        }
        Ok(isolated.then_some(crashes))
    }

    /// Whether this consumer has written a mark since it last cleared them.
    pub(crate) fn is_marked(&self) -> bool {
        self.marked
    }

    /// Removes all marks: every claimed entry is acknowledged, so none of them crashes processes.
    pub(crate) async fn clear(&mut self, connection: &mut DedicatedConnection) -> Result<(), StreamError> {
        connection.send_one(cmd("DEL").arg(&self.options.marks_key)).await?;
        self.marked = false;
        Ok(())
    }
}

/// Removes the mark of this process. Call it when a server, not an entry, interrupts the work: if the process
/// is stopped now, it does not count as crashed.
///
/// # Errors
///
/// Returns an error if the mark could not be removed. The mark then stays until it expires or is renewed; at
/// worst, pending entries are delivered one at a time without need.
pub async fn clear_own_mark(
    connection: &mut DedicatedConnection,
    options: &CrashTrackingOptions,
) -> Result<(), StreamError> {
    connection.send_one(cmd("HDEL").arg(&options.marks_key).arg(&options.process)).await.map(drop)
}

fn count<T>(of: impl IntoIterator<Item = T>) -> u32 {
    u32::try_from(of.into_iter().count()).unwrap_or(u32::MAX)
}

impl Marks {
    /// Decodes the reply of `HGETALL`.
    fn read(reply: &Value, process: &str) -> Result<Marks, StreamError> {
        let Value::Array(flat) = reply else { return Err(StreamError::unexpected("HGETALL", reply)) };
        let mut marks = Marks::default();
        for pair in flat.chunks_exact(2) {
            let mark = text(&pair[1]).unwrap_or_default().to_owned();
            match text(&pair[0]) == Some(process) {
                true => marks.own = Some(mark),
                false => marks.others.push(mark),
            }
        }
        Ok(marks)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_mark_is_separated_from_the_marks_of_others() {
        let flat = ["host-1-ab", "-", "host-2-cd", "{a}:s with spaces 5-1"];
        let reply = Value::Array(flat.map(|word| Value::BulkString(word.into())).to_vec());
        let marks = Marks::read(&reply, "host-1-ab").unwrap();
        assert_eq!(
            marks,
            Marks { own: Some("-".to_owned()), others: vec!["{a}:s with spaces 5-1".to_owned()] }
        );
        assert_eq!(Marks::read(&reply, "host-3-ef").unwrap().others.len(), 2);
        assert!(Marks::read(&Value::Nil, "host-1-ab").is_err());
    }
}
