//! Commands that read or change keys and do not block.

use super::streams::entry;
use super::{Id, Redis, Value};
use crate::reply::{Command, Reply};
use std::collections::{BTreeMap, BTreeSet};

fn error(text: &str) -> Reply {
    Reply::Error(text.to_owned())
}

fn wrong_type() -> Reply {
    error("WRONGTYPE Operation against a key holding the wrong kind of value")
}

fn no_group() -> Reply {
    error("NOGROUP No such key or consumer group")
}

fn number(text: &[u8]) -> u64 {
    String::from_utf8_lossy(text).parse().expect("the simulated code sends a number here")
}

impl Redis {
    pub(super) fn command(&mut self, command: &Command) -> Reply {
        let name = command[0].to_ascii_uppercase();
        match &name[..] {
            b"PING" => Reply::Simple("PONG"),
            b"PUBLISH" => Reply::Int(0),
            b"GET" => match self.get(&command[1]) {
                None => Reply::Nil,
                Some(Value::Text(text)) => Reply::Bulk(text.clone()),
                Some(_) => wrong_type(),
            },
            b"SET" => self.set(command),
            b"DEL" => self.delete(&command[1]),
            b"PEXPIRE" => self.expire(command),
            b"HSET" => self.set_fields(command),
            b"HDEL" => self.remove_fields(command),
            b"HGETALL" => self.fields(&command[1]),
            b"ZADD" => self.add_members(command),
            b"ZREM" => self.remove_members(command),
            b"EVAL" => self.script(command),
            b"XADD" => self.add(command),
            b"XACK" => self.acknowledge(command),
            b"XPENDING" => match self.group(&command[1], &command[2]) {
                Some(group) => group.summary(),
                None => no_group(),
            },
            b"XAUTOCLAIM" => self.claim(command),
            b"XGROUP" => self.make_group(command),
            b"XINFO" => self.describe(&command[2]),
            b"XRANGE" | b"XREVRANGE" => self.range(command, name == b"XREVRANGE"),
            b"FLUSHALL" => {
                self.delete_all_keys();
                Reply::Simple("OK")
            }
            other => panic!("command is not modelled: {}", String::from_utf8_lossy(other)),
        }
    }

    /// `SET key value [PX ms]`
    fn set(&mut self, command: &Command) -> Reply {
        let key = &command[1];
        self.persisted.keys.insert(key.clone(), Value::Text(command[2].clone()));
        match command.get(4) {
            Some(ms) => self.persisted.expirations.insert(key.clone(), self.now + number(ms)),
            None => self.persisted.expirations.remove(key),
        };
        self.touch(key);
        Reply::Simple("OK")
    }

    pub(super) fn delete(&mut self, key: &[u8]) -> Reply {
        self.persisted.expirations.remove(key);
        let Some(value) = self.persisted.keys.remove(key) else { return Reply::Int(0) };
        self.touch(key);
        if matches!(value, Value::Stream(_)) {
            self.ready.push(key.to_vec());
        }
        Reply::Int(1)
    }

    fn set_fields(&mut self, command: &Command) -> Reply {
        let value = self.persisted.keys.entry(command[1].clone()).or_insert(Value::Hash(BTreeMap::new()));
        let Value::Hash(hash) = value else { return wrong_type() };
        let pairs = command[2..].chunks_exact(2);
        let new = pairs.filter(|pair| hash.insert(pair[0].clone(), pair[1].clone()).is_none()).count();
        self.touch(&command[1]);
        Reply::Int(new as i64)
    }

    fn remove_fields(&mut self, command: &Command) -> Reply {
        let hash = match self.persisted.keys.get_mut(&command[1]) {
            None => return Reply::Int(0),
            Some(Value::Hash(hash)) => hash,
            Some(_) => return wrong_type(),
        };
        let removed = command[2..].iter().filter(|field| hash.remove(*field).is_some()).count();
        if hash.is_empty() {
            self.persisted.keys.remove(&command[1]);
            self.persisted.expirations.remove(&command[1]);
        }
        if removed > 0 {
            self.touch(&command[1]);
        }
        Reply::Int(removed as i64)
    }

    /// `HGETALL key`. The model sorts fields by name; the order of the real server is undefined.
    fn fields(&self, key: &[u8]) -> Reply {
        let hash = match self.get(key) {
            None => return Reply::Array(Vec::new()),
            Some(Value::Hash(hash)) => hash,
            Some(_) => return wrong_type(),
        };
        Reply::Array(
            hash.iter()
                .flat_map(|(field, value)| [field, value])
                .map(|text| Reply::Bulk(text.clone()))
                .collect(),
        )
    }

    fn expire(&mut self, command: &Command) -> Reply {
        if !self.persisted.keys.contains_key(&command[1]) {
            return Reply::Int(0);
        }
        self.persisted.expirations.insert(command[1].clone(), self.now + number(&command[2]));
        self.touch(&command[1]);
        Reply::Int(1)
    }

    fn add_members(&mut self, command: &Command) -> Reply {
        let value = self.persisted.keys.entry(command[1].clone()).or_insert(Value::Sorted(BTreeSet::new()));
        let Value::Sorted(set) = value else { return wrong_type() };
        let mut new = 0;
        for pair in command[2..].chunks_exact(2) {
            assert_eq!(pair[0], b"0", "other scores are not modelled");
            new += i64::from(set.insert(pair[1].clone()));
        }
        if new > 0 {
            self.touch(&command[1]);
        }
        Reply::Int(new)
    }

    fn remove_members(&mut self, command: &Command) -> Reply {
        let set = match self.persisted.keys.get_mut(&command[1]) {
            None => return Reply::Int(0),
            Some(Value::Sorted(set)) => set,
            Some(_) => return wrong_type(),
        };
        let removed = command[2..].iter().filter(|member| set.remove(*member)).count();
        if set.is_empty() {
            self.persisted.keys.remove(&command[1]);
        }
        if removed > 0 {
            self.touch(&command[1]);
        }
        Reply::Int(removed as i64)
    }

    fn group(&mut self, key: &[u8], group: &[u8]) -> Option<&mut super::streams::Group> {
        match self.persisted.keys.get_mut(key) {
            Some(Value::Stream(stream)) => stream.groups.get_mut(group),
            _ => None,
        }
    }

    /// `XADD key [NOMKSTREAM] [MAXLEN ~ n] id|* field value …`
    fn add(&mut self, command: &Command) -> Reply {
        let (key, mut at) = (&command[1], 2);
        if command[at] == b"NOMKSTREAM" {
            if !self.persisted.keys.contains_key(key) {
                return Reply::Nil;
            }
            at += 1;
        }
        if command[at] == b"MAXLEN" {
            at += 3;
        }
        let now = self.now;
        let value =
            self.persisted.keys.entry(key.clone()).or_insert_with(|| Value::Stream(Default::default()));
        let Value::Stream(stream) = value else { return wrong_type() };
        let id = match &command[at][..] {
            b"*" if now > stream.last.0 => Id(now, 0),
            b"*" => stream.last.next(),
            id => Id::read(id).expect("the simulated code sends an id here"),
        };
        if id <= stream.last {
            if stream.last == Id::default() {
                self.persisted.keys.remove(key);
            }
            return error("ERR The ID specified in XADD is equal or smaller than the target stream top item");
        }
        stream.last = id;
        stream.entries.insert(id, command[at + 1..].into());
        self.touch(key);
        self.ready.push(key.clone());
        Reply::text(id.to_string())
    }

    fn acknowledge(&mut self, command: &Command) -> Reply {
        let Some(group) = self.group(&command[1], &command[2]) else { return Reply::Int(0) };
        let ids = command[3..].iter().filter_map(|id| Id::read(id));
        Reply::Int(ids.filter(|id| group.pending.remove(id).is_some()).count() as i64)
    }

    /// `XAUTOCLAIM key group consumer 0 start COUNT n JUSTID`
    fn claim(&mut self, command: &Command) -> Reply {
        let (now, consumer) = (self.now, &command[3]);
        let from = Id::read(&command[5]).unwrap_or_default();
        let count = number(&command[7]) as usize;
        let Some(Value::Stream(stream)) = self.persisted.keys.get_mut(&command[1]) else { return no_group() };
        let Some(group) = stream.groups.get_mut(&command[2]) else { return no_group() };
        let ids: Vec<Id> = group.pending.range(from..).map(|(id, _)| *id).collect();
        let next = ids.get(count).copied().unwrap_or_default();
        let (mut claimed, mut deleted) = (Vec::new(), Vec::new());
        for id in ids.into_iter().take(count) {
            let reply = Reply::text(id.to_string());
            if stream.entries.contains_key(&id) {
                group.consumers.insert(consumer.clone(), now);
                group.pending.insert(id, consumer.clone());
                claimed.push(reply);
            } else {
                group.pending.remove(&id);
                deleted.push(reply);
            }
        }
        Reply::Array(vec![Reply::text(next.to_string()), Reply::Array(claimed), Reply::Array(deleted)])
    }

    /// `XGROUP CREATE key group 0 MKSTREAM`
    fn make_group(&mut self, command: &Command) -> Reply {
        let (key, name) = (&command[2], &command[3]);
        let is_new = !self.persisted.keys.contains_key(key);
        let value =
            self.persisted.keys.entry(key.clone()).or_insert_with(|| Value::Stream(Default::default()));
        let Value::Stream(stream) = value else { return wrong_type() };
        if stream.groups.contains_key(name) {
            return error("BUSYGROUP Consumer Group name already exists");
        }
        stream.groups.insert(name.clone(), Default::default());
        if is_new {
            self.touch(key);
        }
        Reply::Simple("OK")
    }

    /// `XINFO STREAM key`, limited to the members that the simulated code reads.
    fn describe(&self, key: &[u8]) -> Reply {
        let Some(value) = self.get(key) else { return error("ERR no such key") };
        let Value::Stream(stream) = value else { return wrong_type() };
        Reply::Array(vec![
            Reply::text("length"),
            Reply::Int(stream.entries.len() as i64),
            Reply::text("last-generated-id"),
            Reply::text(stream.last.to_string()),
            Reply::text("groups"),
            Reply::Int(stream.groups.len() as i64),
        ])
    }

    /// `XRANGE key start end COUNT n` or `XREVRANGE key end start COUNT n`.
    fn range(&self, command: &Command, backwards: bool) -> Reply {
        let stream = match self.get(&command[1]) {
            None => return Reply::Array(Vec::new()),
            Some(Value::Stream(stream)) => stream,
            Some(_) => return wrong_type(),
        };
        let (from, to) = if backwards { (&command[3], &command[2]) } else { (&command[2], &command[3]) };
        let bound = |id: &[u8], open: Id| Id::read(id).unwrap_or(open);
        let found = stream.entries.range(bound(from, Id::default())..=bound(to, Id::MAX));
        let count = number(&command[5]) as usize;
        let reply = |(id, fields): (&Id, _)| entry(*id, Some(fields));
        Reply::Array(match backwards {
            true => found.rev().take(count).map(reply).collect(),
            false => found.take(count).map(reply).collect(),
        })
    }
}
