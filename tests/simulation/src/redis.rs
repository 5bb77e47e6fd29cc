//! Model of Redis 7.0: the commands that the write protocol and the projector use.
//! `tests/redis_model_matches_redis.rs` compares it with a real server.
//!
//! The model is plain data without waiting or failures. A blocked client is answered by a later command of
//! another client. Delays and failures are part of [`crate::network`].

mod commands;
mod reading;
mod scripts;
mod streams;

pub use reading::block_of;
pub use streams::{Fields, Group, Id, Stream};

use crate::reply::{Command, Reply};
use reading::Waiting;
use std::collections::{BTreeMap, BTreeSet};

/// Value of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    Text(Vec<u8>),
    Hash(BTreeMap<Vec<u8>, Vec<u8>>),
    /// Sorted set. All scores are zero.
    Sorted(BTreeSet<Vec<u8>>),
    Stream(Stream),
}

/// State that a copy of the server starts with.
#[derive(Clone, Debug, Default)]
pub struct PersistedState {
    keys: BTreeMap<Vec<u8>, Value>,
    /// Expiry time of keys, in milliseconds.
    expirations: BTreeMap<Vec<u8>, u64>,
}

/// State of a connection.
#[derive(Debug, Default)]
struct Session {
    /// Watched keys, with the number of changes of each when the watch was set.
    watched: Vec<(Vec<u8>, u64)>,
    /// Commands of an open transaction.
    queued: Option<Vec<Command>>,
    /// Whether a queued command was refused, so that `EXEC` fails.
    aborted: bool,
}

#[derive(Debug, Default)]
pub struct Redis {
    persisted: PersistedState,
    now: u64,
    /// Number of changes of each key, for `WATCH`.
    touched: BTreeMap<Vec<u8>, u64>,
    sessions: BTreeMap<u64, Session>,
    /// Blocked clients, longest waiting first.
    waiting: Vec<Waiting>,
    /// Streams that received entries or were deleted since blocked clients were last served.
    ready: Vec<Vec<u8>>,
    answers: Vec<(u64, Reply)>,
    /// Whether commands that need memory are refused.
    full: bool,
}

impl Redis {
    /// Runs a command of a client at the time `now`, in milliseconds. Returns `None` if the client blocks.
    pub fn run(&mut self, client: u64, now: u64, command: Command) -> Option<Reply> {
        self.now = now;
        self.expire_keys();
        let reply = self.dispatch(client, command);
        self.serve_waiting();
        reply
    }

    /// Takes the answers to blocked clients since the last call.
    pub fn answers(&mut self) -> Vec<(u64, Reply)> {
        std::mem::take(&mut self.answers)
    }

    /// Ends the wait of a blocked client and returns its reply. Returns `None` if it was answered before.
    pub fn stop_waiting(&mut self, client: u64) -> Option<Reply> {
        let at = self.waiting.iter().position(|waiting| waiting.client == client)?;
        self.waiting.remove(at);
        Some(Reply::NilArray)
    }

    pub fn disconnect(&mut self, client: u64) {
        self.sessions.remove(&client);
        self.waiting.retain(|waiting| waiting.client != client);
    }

    pub fn copy(&self) -> PersistedState {
        self.persisted.clone()
    }

    /// Replaces the server by one with the given state and without connections.
    pub fn restore(&mut self, persisted: PersistedState) {
        *self = Redis { persisted, ..Redis::default() };
    }

    /// Sets whether the used memory exceeds `maxmemory`.
    pub fn set_full(&mut self, full: bool) {
        self.full = full;
    }

    /// Deletes all keys, as `FLUSHALL` does.
    pub fn flush_all(&mut self) {
        self.delete_all_keys();
        self.serve_waiting();
    }

    fn delete_all_keys(&mut self) {
        for key in std::mem::take(&mut self.persisted).keys.into_keys() {
            self.touch(&key);
            self.ready.push(key);
        }
    }

    /// Removes the oldest entries of a stream, as retention does.
    pub fn trim(&mut self, key: &[u8], keep: usize) {
        let Some(Value::Stream(stream)) = self.persisted.keys.get_mut(key) else { return };
        while stream.entries.len() > keep {
            stream.entries.pop_first();
        }
        self.touch(key);
    }

    pub fn get(&self, key: &[u8]) -> Option<&Value> {
        self.persisted.keys.get(key)
    }

    pub fn stream(&self, key: &str) -> Option<&Stream> {
        match self.get(key.as_bytes()) {
            Some(Value::Stream(stream)) => Some(stream),
            _ => None,
        }
    }

    pub fn with_prefix<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = (&'a [u8], &'a Value)> {
        let from = self.persisted.keys.range(prefix.as_bytes().to_vec()..);
        from.map(|(key, value)| (&key[..], value)).take_while(|(key, _)| key.starts_with(prefix.as_bytes()))
    }

    fn touch(&mut self, key: &[u8]) {
        if let Some(touched) = self.touched.get_mut(key) {
            *touched += 1;
        } else {
            self.touched.insert(key.to_vec(), 1);
        }
    }

    fn touched(&self, key: &[u8]) -> u64 {
        self.touched.get(key).copied().unwrap_or_default()
    }

    fn expire_keys(&mut self) {
        if self.persisted.expirations.values().all(|end| *end > self.now) {
            return;
        }
        let ended = self.persisted.expirations.iter().filter(|(_, end)| **end <= self.now);
        for key in ended.map(|(key, _)| key.clone()).collect::<Vec<_>>() {
            self.persisted.expirations.remove(&key);
            self.persisted.keys.remove(&key);
            self.touch(&key);
        }
    }

    /// Runs commands that concern the connection, such as transactions, and passes all others on.
    fn dispatch(&mut self, client: u64, command: Command) -> Option<Reply> {
        let name = command[0].to_ascii_uppercase();
        let session = self.sessions.entry(client).or_default();
        if session.queued.is_some() && name != b"EXEC" {
            return Some(self.queue(client, command));
        }
        if self.full && needs_memory(&name) {
            return Some(out_of_memory());
        }
        match &name[..] {
            b"MULTI" => session.queued = Some(Vec::new()),
            b"EXEC" => return Some(self.execute(client)),
            b"UNWATCH" => session.watched.clear(),
            b"WATCH" => {
                for key in &command[1..] {
                    let touched = self.touched(key);
                    let watched = &mut self.sessions.entry(client).or_default().watched;
                    // Watching a changed key again does not reset the watch.
                    if watched.iter().all(|(other, _)| other != key) {
                        watched.push((key.clone(), touched));
                    }
                }
            }
            b"XREADGROUP" | b"XREAD" => return self.read(client, &command),
            _ => return Some(self.command(&command)),
        }
        Some(Reply::Simple("OK"))
    }

    fn queue(&mut self, client: u64, command: Command) -> Reply {
        let failed = self.watch_failed(client);
        let session = self.sessions.entry(client).or_default();
        if self.full {
            // Any queued command needs memory.
            session.aborted = true;
            return out_of_memory();
        }
        // A transaction that has already failed queues nothing.
        if let Some(queued) = session.queued.as_mut().filter(|_| !failed) {
            queued.push(command);
        }
        Reply::Simple("QUEUED")
    }

    /// Returns whether a key watched by the client has changed.
    fn watch_failed(&self, client: u64) -> bool {
        let watched = self.sessions.get(&client).into_iter().flat_map(|session| &session.watched);
        watched.into_iter().any(|(key, touched)| self.touched(key) != *touched)
    }

    fn execute(&mut self, client: u64) -> Reply {
        let failed = self.watch_failed(client);
        let Session { queued, aborted, .. } = self.sessions.remove(&client).unwrap_or_default();
        let Some(queued) = queued else { return Reply::Error("ERR EXEC without MULTI".to_owned()) };
        let refused =
            self.full && queued.iter().any(|command| needs_memory(&command[0].to_ascii_uppercase()));
        if aborted || refused {
            return Reply::Error("EXECABORT Transaction discarded because of previous errors.".to_owned());
        }
        if failed {
            return Reply::NilArray;
        }
        Reply::Array(queued.iter().map(|command| self.command(command)).collect())
    }
}

/// Returns whether a command is refused when no memory is left (`denyoom`).
fn needs_memory(name: &[u8]) -> bool {
    matches!(name, b"XADD" | b"XGROUP" | b"SET" | b"HSET" | b"ZADD")
}

fn out_of_memory() -> Reply {
    Reply::Error("OOM command not allowed when used memory > 'maxmemory'.".to_owned())
}
