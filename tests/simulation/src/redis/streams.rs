//! Streams and their consumer groups.

use crate::reply::Reply;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Id of an entry: milliseconds and sequence number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Id(pub u64, pub u64);

impl std::fmt::Display for Id {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}-{}", self.0, self.1)
    }
}

impl Id {
    pub const MAX: Id = Id(u64::MAX, u64::MAX);

    /// Reads `5-1` or `5`.
    pub fn read(text: &[u8]) -> Option<Id> {
        let text = std::str::from_utf8(text).ok()?;
        match text.split_once('-') {
            Some((ms, seq)) => Some(Id(ms.parse().ok()?, seq.parse().ok()?)),
            None => Some(Id(text.parse().ok()?, 0)),
        }
    }

    pub fn next(self) -> Id {
        match self.1.checked_add(1) {
            Some(seq) => Id(self.0, seq),
            None => Id(self.0.saturating_add(1), 0),
        }
    }
}

/// Field names and values, alternating.
pub type Fields = Arc<[Vec<u8>]>;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stream {
    pub entries: BTreeMap<Id, Fields>,
    /// Newest id ever added.
    pub last: Id,
    /// Consumer groups by name.
    pub groups: BTreeMap<Vec<u8>, Group>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Group {
    /// Id of the last delivered entry.
    pub last: Id,
    /// Entries delivered and not acknowledged, with their consumer.
    pub pending: BTreeMap<Id, Vec<u8>>,
    /// Time at which each consumer was last active.
    pub consumers: BTreeMap<Vec<u8>, u64>,
}

/// Reply for one entry. `fields` is `None` if the entry was deleted.
pub(super) fn entry(id: Id, fields: Option<&Fields>) -> Reply {
    let fields = match fields {
        Some(fields) => Reply::Array(fields.iter().cloned().map(Reply::Bulk).collect()),
        None => Reply::NilArray,
    };
    Reply::Array(vec![Reply::text(id.to_string()), fields])
}

impl Stream {
    /// Returns the entries after an id.
    pub(super) fn after(&self, id: Id, count: usize) -> Vec<(Id, Fields)> {
        let found = self.entries.range(id.next()..).take(count);
        found.map(|(id, fields)| (*id, fields.clone())).collect()
    }

    /// Delivers new entries to a consumer of a group.
    pub(super) fn deliver(
        &mut self,
        group: &[u8],
        consumer: &[u8],
        count: usize,
        noack: bool,
        now: u64,
    ) -> Vec<Reply> {
        let Some(last) = self.groups.get(group).map(|group| group.last) else { return Vec::new() };
        let new = self.after(last, count);
        let Some(group) = self.groups.get_mut(group) else { return Vec::new() };
        group.consumers.insert(consumer.to_vec(), now);
        for (id, _) in &new {
            group.last = *id;
            if !noack {
                group.pending.insert(*id, consumer.to_vec());
            }
        }
        new.iter().map(|(id, fields)| entry(*id, Some(fields))).collect()
    }

    /// Returns the pending entries of a consumer after an id.
    pub(super) fn history(
        &mut self,
        group: &[u8],
        consumer: &[u8],
        id: Id,
        count: usize,
        now: u64,
    ) -> Vec<Reply> {
        let Some(group) = self.groups.get_mut(group) else { return Vec::new() };
        group.consumers.insert(consumer.to_vec(), now);
        let own = group.pending.range(id.next()..).filter(|(_, of)| *of == consumer).take(count);
        own.map(|(id, _)| entry(*id, self.entries.get(id))).collect()
    }
}

impl Group {
    /// Reply of `XPENDING key group`.
    pub(super) fn summary(&self) -> Reply {
        let (Some((first, _)), Some((last, _))) =
            (self.pending.first_key_value(), self.pending.last_key_value())
        else {
            return Reply::Array(vec![Reply::Int(0), Reply::Nil, Reply::Nil, Reply::NilArray]);
        };
        let mut counts: BTreeMap<&[u8], usize> = BTreeMap::new();
        self.pending.values().for_each(|consumer| *counts.entry(consumer).or_default() += 1);
        let pair = |(consumer, count): (&[u8], usize)| {
            Reply::Array(vec![Reply::text(consumer), Reply::text(count.to_string())])
        };
        Reply::Array(vec![
            Reply::Int(self.pending.len() as i64),
            Reply::text(first.to_string()),
            Reply::text(last.to_string()),
            Reply::Array(counts.into_iter().map(pair).collect()),
        ])
    }
}
