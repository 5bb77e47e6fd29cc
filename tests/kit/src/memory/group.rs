//! A consumer group over a log, by index into it.

use std::collections::{BTreeMap, BTreeSet};

/// What was delivered to whom, and what was acknowledged.
#[derive(Debug, Default)]
pub(super) struct Group {
    delivered: usize,
    pending: BTreeMap<usize, u64>,
    acknowledged: BTreeSet<usize>,
}

impl Group {
    /// The next entries of a log of that length for a consumer, who takes over what is pending with
    /// others: at most `count`, from index `from` on, what is pending first.
    pub(super) fn take(&mut self, me: u64, from: usize, length: usize, count: usize) -> Vec<usize> {
        self.pending.values_mut().for_each(|consumer| *consumer = me);
        let mut taken: Vec<usize> = self.pending.range(from..).map(|(index, _)| *index).take(count).collect();
        while taken.len() < count && self.delivered < length {
            taken.push(self.delivered);
            self.pending.insert(self.delivered, me);
            self.delivered += 1;
        }
        taken
    }

    /// Hands new entries to a consumer who does not look for what is pending.
    pub(super) fn hand_out(&mut self, to: u64, length: usize, count: usize) -> Vec<usize> {
        let end = length.min(self.delivered + count);
        let handed: Vec<usize> = (self.delivered..end).collect();
        self.pending.extend(handed.iter().map(|index| (*index, to)));
        self.delivered = end;
        handed
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
