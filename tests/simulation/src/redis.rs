//! A model of Redis: the commands that the write protocol and the subscription use, as Redis 7.0 has them. That it is
//! one is checked beside the real server (`tests/redis_model_matches_redis.rs`).
//!
//! It is plain data: nothing waits and nothing fails here. Clients that block are answered by a later command of
//! somebody else; how long that takes, and what breaks on the way, is a matter of the network.

mod commands;
mod reading;
mod scripts;
mod streams;

pub use reading::block_of;
pub use streams::{Fields, Group, Id, Stream};

use crate::reply::{Command, Reply};
use reading::Waiting;
use std::collections::{BTreeMap, BTreeSet};

/// What a key holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// A string.
    Text(Vec<u8>),
    /// A hash.
    Hash(BTreeMap<Vec<u8>, Vec<u8>>),
    /// A sorted set all of whose scores are zero, as ours are.
    Sorted(BTreeSet<Vec<u8>>),
    /// A stream.
    Stream(Stream),
}

/// What is kept: what a copy of the server begins with.
#[derive(Clone, Debug, Default)]
pub struct PersistedState {
    keys: BTreeMap<Vec<u8>, Value>,
    /// When keys end, in milliseconds.
    ends: BTreeMap<Vec<u8>, u64>,
}

/// What the server knows of a connection.
#[derive(Debug, Default)]
struct Session {
    /// Keys, and how often each had been touched when the watch was set.
    watched: Vec<(Vec<u8>, u64)>,
    /// Commands of a transaction that has begun.
    queued: Option<Vec<Command>>,
    /// One of them was refused, so that all are.
    spoiled: bool,
}

/// The server.
#[derive(Debug, Default)]
pub struct Redis {
    kept: PersistedState,
    now: u64,
    /// How often each key was touched, as far as `WATCH` is concerned.
    touched: BTreeMap<Vec<u8>, u64>,
    sessions: BTreeMap<u64, Session>,
    /// Clients that block, the one that has waited longest first.
    waiting: Vec<Waiting>,
    /// Streams that got entries or were lost, since waiting clients were last served.
    ready: Vec<Vec<u8>>,
    answers: Vec<(u64, Reply)>,
    /// Nothing that takes memory is accepted.
    full: bool,
}

impl Redis {
    /// Runs a command of a client at that time. None if the client blocks.
    pub fn run(&mut self, client: u64, now: u64, command: Command) -> Option<Reply> {
        self.now = now;
        self.end_keys();
        let reply = self.dispatch(client, command);
        self.serve_waiting();
        reply
    }

    /// What waiting clients were answered since the last call.
    pub fn answers(&mut self) -> Vec<(u64, Reply)> {
        std::mem::take(&mut self.answers)
    }

    /// A client has waited long enough. None if it was answered before.
    pub fn waited(&mut self, client: u64) -> Option<Reply> {
        let at = self.waiting.iter().position(|waiting| waiting.client == client)?;
        self.waiting.remove(at);
        Some(Reply::NilArray)
    }

    /// The connection is closed.
    pub fn disconnect(&mut self, client: u64) {
        self.sessions.remove(&client);
        self.waiting.retain(|waiting| waiting.client != client);
    }

    /// A copy of what is kept.
    pub fn copy(&self) -> PersistedState {
        self.kept.clone()
    }

    /// Another server takes its place, with what it has. All connections are gone.
    pub fn replace(&mut self, kept: PersistedState) {
        *self = Redis { kept, ..Redis::default() };
    }

    /// Whether more is used than `maxmemory` from now on.
    pub fn is_full(&mut self, full: bool) {
        self.full = full;
    }

    /// Loses all keys, as `FLUSHALL` does.
    pub fn lose_all(&mut self) {
        self.forget_keys();
        self.serve_waiting();
    }

    fn forget_keys(&mut self) {
        for key in std::mem::take(&mut self.kept).keys.into_keys() {
            self.touch(&key);
            self.ready.push(key);
        }
    }

    /// Takes away the oldest entries of a stream, as retention does.
    pub fn trim(&mut self, key: &[u8], keep: usize) {
        let Some(Value::Stream(stream)) = self.kept.keys.get_mut(key) else { return };
        while stream.entries.len() > keep {
            stream.entries.pop_first();
        }
        self.touch(key);
    }

    /// What a key holds.
    pub fn get(&self, key: &[u8]) -> Option<&Value> {
        self.kept.keys.get(key)
    }

    /// A stream.
    pub fn stream(&self, key: &str) -> Option<&Stream> {
        match self.get(key.as_bytes()) {
            Some(Value::Stream(stream)) => Some(stream),
            _ => None,
        }
    }

    /// All keys with that beginning.
    pub fn with_prefix<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = (&'a [u8], &'a Value)> {
        let from = self.kept.keys.range(prefix.as_bytes().to_vec()..);
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

    fn end_keys(&mut self) {
        if self.kept.ends.values().all(|end| *end > self.now) {
            return;
        }
        let ended = self.kept.ends.iter().filter(|(_, end)| **end <= self.now);
        for key in ended.map(|(key, _)| key.clone()).collect::<Vec<_>>() {
            self.kept.ends.remove(&key);
            self.kept.keys.remove(&key);
            self.touch(&key);
        }
    }

    /// Transactions, and what belongs to a connection; everything else is a matter of keys.
    fn dispatch(&mut self, client: u64, command: Command) -> Option<Reply> {
        let name = command[0].to_ascii_uppercase();
        let session = self.sessions.entry(client).or_default();
        if session.queued.is_some() && name != b"EXEC" {
            return Some(self.queue(client, command));
        }
        if self.full && takes_memory(&name) {
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
                    // A watch that was touched stays touched, also when it is set once more.
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
        let moved = self.has_moved(client);
        let session = self.sessions.entry(client).or_default();
        if self.full {
            // Whatever it is: it has to be kept until the end of the transaction.
            session.spoiled = true;
            return out_of_memory();
        }
        // Nothing is kept for a transaction that has failed already.
        if let Some(queued) = session.queued.as_mut().filter(|_| !moved) {
            queued.push(command);
        }
        Reply::Simple("QUEUED")
    }

    /// Whether something that a client watches was touched.
    fn has_moved(&self, client: u64) -> bool {
        let watched = self.sessions.get(&client).into_iter().flat_map(|session| &session.watched);
        watched.into_iter().any(|(key, touched)| self.touched(key) != *touched)
    }

    fn execute(&mut self, client: u64) -> Reply {
        let moved = self.has_moved(client);
        let Session { queued, spoiled, .. } = self.sessions.remove(&client).unwrap_or_default();
        let Some(queued) = queued else { return Reply::Error("ERR EXEC without MULTI".to_owned()) };
        let refused =
            self.full && queued.iter().any(|command| takes_memory(&command[0].to_ascii_uppercase()));
        if spoiled || refused {
            return Reply::Error("EXECABORT Transaction discarded because of previous errors.".to_owned());
        }
        if moved {
            return Reply::NilArray;
        }
        Reply::Array(queued.iter().map(|command| self.command(command)).collect())
    }
}

/// Whether a command is refused when no memory is left (`denyoom`).
fn takes_memory(name: &[u8]) -> bool {
    matches!(name, b"XADD" | b"XGROUP" | b"SET" | b"HSET" | b"ZADD")
}

fn out_of_memory() -> Reply {
    Reply::Error("OOM command not allowed when used memory > 'maxmemory'.".to_owned())
}
