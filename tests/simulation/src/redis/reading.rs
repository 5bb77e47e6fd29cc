//! `XREADGROUP` and `XREAD`, and the clients that block in them.
//!
//! The command that adds entries delivers them to blocked clients, even if the client has abandoned its read.

use super::streams::entry;
use super::{Id, Redis, Value};
use crate::reply::{Command, Reply};

/// Parsed `XREADGROUP` or `XREAD`.
#[derive(Clone, Debug)]
pub(super) struct Read {
    /// Names of the group and of the consumer.
    group: Option<(Vec<u8>, Vec<u8>)>,
    count: usize,
    blocks: bool,
    noack: bool,
    /// Keys with the id to start after. `None`: entries that were not delivered yet.
    streams: Vec<(Vec<u8>, Option<Id>)>,
}

/// Client that blocks in a read.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) client: u64,
    read: Read,
}

impl Read {
    fn new(command: &Command) -> Option<Read> {
        let mut read =
            Read { group: None, count: usize::MAX, blocks: false, noack: false, streams: Vec::new() };
        let mut words = command[1..].iter();
        while let Some(word) = words.next() {
            match &word.to_ascii_uppercase()[..] {
                b"GROUP" => read.group = Some((words.next()?.clone(), words.next()?.clone())),
                b"COUNT" => read.count = std::str::from_utf8(words.next()?).ok()?.parse().ok()?,
                b"BLOCK" => read.blocks = words.next().is_some(),
                b"NOACK" => read.noack = true,
                b"STREAMS" => break,
                _ => return None,
            }
        }
        let rest = words.as_slice();
        let (keys, from) = rest.split_at(rest.len() / 2);
        for (key, from) in keys.iter().zip(from) {
            read.streams.push((key.clone(), if from == b">" { None } else { Some(Id::read(from)?) }));
        }
        Some(read)
    }
}

/// Returns how long a read blocks, in milliseconds. `None`: it does not block.
pub fn block_of(command: &Command) -> Option<u64> {
    let at = command.iter().position(|word| word.eq_ignore_ascii_case(b"BLOCK"))?;
    std::str::from_utf8(command.get(at + 1)?).ok()?.parse().ok()
}

impl Redis {
    pub(super) fn read(&mut self, client: u64, command: &Command) -> Option<Reply> {
        let Some(read) = Read::new(command) else { return Some(Reply::Error("ERR syntax error".to_owned())) };
        if let Some((group, _)) = &read.group {
            for (key, _) in &read.streams {
                match self.get(key) {
                    Some(Value::Stream(stream)) if stream.groups.contains_key(group) => {}
                    _ => return Some(Reply::Error("NOGROUP No such key or consumer group".to_owned())),
                }
            }
        }
        let mut found = Vec::new();
        for at in 0..read.streams.len() {
            found.extend(self.read_one(&read, at));
        }
        match (found.is_empty(), read.blocks) {
            (false, _) => Some(Reply::Array(found)),
            (true, false) => Some(Reply::NilArray),
            (true, true) => {
                self.waiting.push(Waiting { client, read });
                None
            }
        }
    }

    /// Returns the entries of one stream for a read. A read of pending entries has a reply even if there are
    /// none.
    fn read_one(&mut self, read: &Read, at: usize) -> Option<Reply> {
        let (key, from) = read.streams.get(at)?;
        let now = self.now;
        let Some(Value::Stream(stream)) = self.persisted.keys.get_mut(key) else { return None };
        let entries = match (&read.group, from) {
            (Some((group, consumer)), Some(from)) => stream.history(group, consumer, *from, read.count, now),
            (Some((group, consumer)), None) => {
                let newest = *stream.entries.last_key_value()?.0;
                (stream.groups.get(group)?.last < newest)
                    .then(|| stream.deliver(group, consumer, read.count, read.noack, now))?
            }
            (None, from) => {
                let new = stream.after(from.unwrap_or_default(), read.count);
                (!new.is_empty())
                    .then(|| new.iter().map(|(id, fields)| entry(*id, Some(fields))).collect())?
            }
        };
        Some(Reply::Array(vec![Reply::text(key.clone()), Reply::Array(entries)]))
    }

    /// Delivers new entries to blocked clients, longest waiting first. Each client gets entries of one stream
    /// only.
    pub(super) fn serve_waiting(&mut self) {
        for key in std::mem::take(&mut self.ready) {
            let mut still_waiting = Vec::new();
            for waiting in std::mem::take(&mut self.waiting) {
                let Some(at) = waiting.read.streams.iter().position(|(of, _)| *of == key) else {
                    still_waiting.push(waiting);
                    continue;
                };
                let answer = match (self.get(&key), &waiting.read.group) {
                    (Some(Value::Stream(stream)), Some((group, _))) if !stream.groups.contains_key(group) => {
                        Some(Reply::Error("NOGROUP the consumer group is gone".to_owned()))
                    }
                    (None, Some(_)) => {
                        Some(Reply::Error("UNBLOCKED the stream key no longer exists".to_owned()))
                    }
                    _ => self.read_one(&waiting.read, at).map(|one| Reply::Array(vec![one])),
                };
                match answer {
                    Some(answer) => self.answers.push((waiting.client, answer)),
                    None => still_waiting.push(waiting),
                }
            }
            self.waiting = still_waiting;
        }
    }
}
