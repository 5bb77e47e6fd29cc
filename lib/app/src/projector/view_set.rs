//! Views of a partition in memory.

use crate::ports::views::read_models::{ReadModelWrite, ViewName};
use std::collections::{BTreeMap, BTreeSet};

/// Views of a partition in memory: documents, sets of entries, and lists.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ViewSet {
    pub documents: BTreeMap<ViewName, Vec<u8>>,
    pub entries: BTreeMap<ViewName, BTreeMap<String, Vec<u8>>>,
    pub lists: BTreeMap<ViewName, BTreeSet<String>>,
}

impl ViewSet {
    pub fn write(&mut self, write: ReadModelWrite) {
        match write {
            ReadModelWrite::Document { name, json } => drop(self.documents.insert(name, json)),
            ReadModelWrite::Entry { name, field, value } => {
                self.entries.entry(name).or_default().insert(field, value);
            }
            ReadModelWrite::Add { list, member } => {
                self.lists.entry(list).or_default().insert(member);
            }
            ReadModelWrite::Remove { list, member } => {
                // A list without members equals a list that never had one.
                let members = self.lists.get_mut(&list);
                if members.is_some_and(|members| members.remove(&member) && members.is_empty()) {
                    self.lists.remove(&list);
                }
            }
        }
    }
}
