//! Consumer group of a log. Entries are identified by their index.

use std::collections::{BTreeMap, BTreeSet};

#[derive(Debug, Default)]
pub(super) struct Group {
    /// Number of entries delivered.
    delivered: usize,
    /// Consumer of each entry that is delivered and not acknowledged.
    pending: BTreeMap<usize, u64>,
    acknowledged: BTreeSet<usize>,
}

impl Group {
    /// Claims all pending entries for a consumer and returns its next entries, pending entries first: at most
    /// `count`, with an index of at least `from`. `length` is the length of the log.
    pub(super) fn take(&mut self, consumer: u64, from: usize, length: usize, count: usize) -> Vec<usize> {
        self.pending.values_mut().for_each(|owner| *owner = consumer);
        let mut taken: Vec<usize> = self.pending.range(from..).map(|(index, _)| *index).take(count).collect();
        while taken.len() < count && self.delivered < length {
            taken.push(self.delivered);
            self.pending.insert(self.delivered, consumer);
            self.delivered += 1;
        }
        taken
    }

    /// Delivers only new entries to a consumer, at most `count`.
    pub(super) fn deliver(&mut self, consumer: u64, length: usize, count: usize) -> Vec<usize> {
        let end = length.min(self.delivered + count);
        let delivered: Vec<usize> = (self.delivered..end).collect();
        self.pending.extend(delivered.iter().map(|index| (*index, consumer)));
        self.delivered = end;
        delivered
    }

    pub(super) fn acknowledge(&mut self, index: usize) {
        if self.pending.remove(&index).is_some() {
            self.acknowledged.insert(index);
        }
    }

    pub(super) fn pending(&self) -> usize {
        self.pending.len()
    }

    pub(super) fn acknowledged(&self) -> usize {
        self.acknowledged.len()
    }
}
