//! Checks that the positions of each partition and the versions of each aggregate are gap-free.

use super::{Check, RunEvidence};
use std::collections::HashMap;
use uuid::Uuid;

pub(super) fn gap_free(evidence: &RunEvidence<'_>) -> Check {
    let mut check = Check::new("positions and versions have no gaps and no repeats");
    for partition in &evidence.partitions {
        let mut versions: HashMap<Uuid, u64> = HashMap::new();
        let mut expected = partition.before;
        for event in &partition.events {
            expected += 1;
            check.verify(event.position == expected, || {
                format!("partition {}: position {}, expected {expected}", partition.id, event.position)
            });
            expected = event.position;
            // Aggregates from before the run continue from their first version seen here.
            let version = versions.entry(event.key).or_insert(event.version - 1);
            *version += 1;
            if event.version != *version {
                let (found, expected) = (event.version, *version);
                check.fail(|| format!("{}: version {found}, expected {expected}", event.key));
                *version = found;
            }
        }
        check.verify(expected == partition.head, || {
            format!(
                "partition {}: the last event is at {expected}, the head is {}",
                partition.id, partition.head
            )
        });
    }
    check
}
