//! Entries that end the process which handles them: a bug that aborts, or memory that runs out.
//!
//! Whoever handles what was pending with others leaves a marker in Redis until all of it is acknowledged.
//! If another process finds the marker, the one that left it is gone. After some of them, what is pending
//! is handed out one by one, and the marker says which entry is in work. The entry that is under the
//! marker of one lost process after another is the culprit; its neighbours are not.
//!
//! A process that only waits for a server says so ([`absolve`]), and does not count if it is then ended.

use crate::value::text;
use crate::{DedicatedConnection, EntryId, StreamError};
use redis::{Value, cmd};

/// A marker that nobody renewed for so long is forgotten: processes that end once a day have another cause.
const FORGET_AFTER_MS: u64 = 600_000;

/// Deletes the marker if it is this process's.
const ABSOLVE: &str = include_str!("absolve.lua");

/// When entries are suspicious.
#[derive(Clone, Debug)]
pub struct SuspectOptions {
    /// The key of the marker; of the hash slot of the streams.
    pub marker: String,
    /// What names this process, and no other one ever. Without spaces.
    pub process: String,
    /// After so many processes that ended while they handled what was pending, it is handled one by one.
    pub one_by_one_after: u32,
}

/// `<ended> <deaths> <process> <stream> <entry>`, or `<ended> 0 <process> - -`.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Marker {
    /// How many processes ended one after another.
    ended: u32,
    /// How many of them while they handled the entry.
    deaths: u32,
    /// Who left it.
    process: String,
    /// Stream and entry in work, if they are handled one by one.
    place: Option<(String, EntryId)>,
}

/// The marker, as this process knows it; none unless it handles what was pending.
pub(crate) struct Suspects {
    options: SuspectOptions,
    marker: Option<Marker>,
}

impl Suspects {
    pub(crate) fn new(options: SuspectOptions) -> Suspects {
        Suspects { options, marker: None }
    }

    /// Something was pending that begins with this entry, and is to be handled now. Returns how many
    /// processes have ended under it if it is to be handled alone.
    pub(crate) async fn mark(
        &mut self,
        connection: &mut DedicatedConnection,
        stream: &str,
        entry: EntryId,
    ) -> Result<Option<u32>, StreamError> {
        let before = match &self.marker {
            Some(marker) => marker.clone(),
            None => self.found(connection).await?,
        };
        let alone = before.ended >= self.options.one_by_one_after;
        let place = alone.then(|| (stream.to_owned(), entry));
        let deaths = if place.is_some() && before.place == place { before.deaths } else { 0 };
        let marker = Marker { deaths, place, ..before };
        if self.marker.as_ref() != Some(&marker) {
            let mut set = cmd("SET");
            set.arg(&self.options.marker).arg(marker.to_string()).arg("PX").arg(FORGET_AFTER_MS);
            connection.send_one(&set).await?;
            self.marker = Some(marker);
        }
        Ok(alone.then_some(deaths))
    }

    /// What the processes before have left, as one of this process.
    async fn found(&self, connection: &mut DedicatedConnection) -> Result<Marker, StreamError> {
        let reply = connection.send_one(cmd("GET").arg(&self.options.marker)).await?;
        let process = self.options.process.clone();
        Ok(match text(&reply).and_then(Marker::read) {
            Some(found) if found.process == process => found,
            Some(found) => {
                Marker { ended: found.ended + 1, deaths: found.deaths + 1, process, place: found.place }
            }
            None => Marker { ended: 0, deaths: 0, process, place: None },
        })
    }

    /// Whether there is a marker to clear.
    pub(crate) fn marked(&self) -> bool {
        self.marker.is_some()
    }

    /// All that was pending is acknowledged.
    pub(crate) async fn clear(&mut self, connection: &mut DedicatedConnection) -> Result<(), StreamError> {
        connection.send_one(cmd("DEL").arg(&self.options.marker)).await?;
        self.marker = None;
        Ok(())
    }
}

/// This process is interrupted by a server, not by an entry: if it is ended now, that does not count.
pub async fn absolve(
    connection: &mut DedicatedConnection,
    options: &SuspectOptions,
) -> Result<Value, StreamError> {
    connection.send_one(cmd("EVAL").arg(ABSOLVE).arg(1).arg(&options.marker).arg(&options.process)).await
}

impl std::fmt::Display for Marker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Marker { ended, deaths, process, place } = self;
        match place {
            Some((stream, entry)) => write!(f, "{ended} {deaths} {process} {stream} {entry}"),
            None => write!(f, "{ended} {deaths} {process} - -"),
        }
    }
}

impl Marker {
    fn read(text: &str) -> Option<Marker> {
        let mut parts = text.splitn(4, ' ');
        let (ended, deaths) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
        let process = parts.next()?.to_owned();
        let (stream, entry) = parts.next()?.rsplit_once(' ')?;
        let place = entry.parse().ok().map(|entry| (stream.to_owned(), entry));
        Some(Marker { ended, deaths, process, place })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_marker_is_read_back() {
        let entry = EntryId { ms: 5, seq: 1 };
        let marker = |place| Marker { ended: 3, deaths: 1, process: "host-1-ab".to_owned(), place };
        for marker in [marker(None), marker(Some(("{a}:s with spaces".to_owned(), entry)))] {
            assert_eq!(Marker::read(&marker.to_string()), Some(marker));
        }
        assert_eq!(Marker::read("nonsense"), None);
    }
}
