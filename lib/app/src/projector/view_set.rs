//! Views of a partition in memory.

use crate::ports::views::read_models::{ReadModelWrite, ViewName};
use std::collections::BTreeMap;

/// Views of a partition in memory: values by name and field.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ViewSet(pub BTreeMap<ViewName, BTreeMap<String, Vec<u8>>>);

impl ViewSet {
    pub fn write(&mut self, write: ReadModelWrite) {
        match write {
            ReadModelWrite::Set { name, field, value } => {
                self.0.entry(name).or_default().insert(field, value);
            }
            ReadModelWrite::Remove { name, field } => {
                let fields = self.0.get_mut(&name);
                // A list without members equals a list that never had one.
                if fields.is_some_and(|fields| fields.remove(&field).is_some() && fields.is_empty()) {
                    self.0.remove(&name);
                }
            }
        }
    }
}
