//! Entries that are done with and not acknowledged yet.

use super::GroupConsumer;
use crate::EntryId;
use redis::Pipeline;
use std::time::Duration;
use tokio::time::Instant;

/// So long acknowledgements gather while others come: each is a write that waits for the disk.
const GATHER: Duration = Duration::from_millis(200);

/// So many are not left to gather.
const MANY: usize = 1000;

/// What is done with in each stream.
pub(super) struct Done {
    of_stream: Vec<Vec<EntryId>>,
    /// Since when the oldest of them waits.
    since: Option<Instant>,
}

impl Done {
    pub(super) fn of_streams(count: usize) -> Done {
        Done { of_stream: vec![Vec::new(); count], since: None }
    }

    fn due(&self) -> bool {
        self.since.is_some_and(|since| since.elapsed() >= GATHER)
            || self.of_stream.iter().any(|entries| entries.len() >= MANY)
    }
}

impl GroupConsumer {
    /// An entry is done with: it is acknowledged with one of the next reads, or when the consumer leaves. Until then
    /// it counts as pending, and if the process ends it is handed out again. Only for work that may be done twice.
    pub fn done(&mut self, stream: usize, entry: EntryId) {
        self.done.of_stream[stream].push(entry);
        self.done.since.get_or_insert_with(Instant::now);
    }

    /// The acknowledgements that are due go in front of what is sent next. If that fails this consumer is dropped.
    pub(super) fn acknowledge_due(&mut self, commands: &mut Pipeline) -> usize {
        if self.done.due() { self.acknowledge_all(commands) } else { 0 }
    }

    /// All of them, due or not; returns how many commands that makes.
    pub(super) fn acknowledge_all(&mut self, commands: &mut Pipeline) -> usize {
        let mut added = 0;
        self.done.since = None;
        for (stream, entries) in self.options.streams.iter().zip(&mut self.done.of_stream) {
            if entries.is_empty() {
                continue;
            }
            let acknowledge = commands.cmd("XACK").arg(stream).arg(&self.options.group);
            entries.drain(..).for_each(|entry| {
                acknowledge.arg(entry.to_string());
            });
            added += 1;
        }
        added
    }
}
