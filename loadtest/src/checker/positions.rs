//! Positions are 1, 2, 3 … in each partition, versions in each auction.

use super::{Check, RunEvidence};
use std::collections::HashMap;
use uuid::Uuid;

pub(super) fn dense(evidence: &RunEvidence<'_>) -> Check {
    let mut check = Check::new("positions and versions have no holes and no repeats");
    for partition in &evidence.partitions {
        let mut versions: HashMap<Uuid, u64> = HashMap::new();
        let mut expected = partition.before;
        for event in &partition.events {
            expected += 1;
            check.look(event.position == expected, || {
                format!("partition {}: position {} where {expected} belongs", partition.id, event.position)
            });
            expected = event.position;
            // Who was there before the run goes on from where he was.
            let version = versions.entry(event.key).or_insert(event.version - 1);
            *version += 1;
            if event.version != *version {
                let (found, wanted) = (event.version, *version);
                check.wrong(|| format!("{}: version {found} where {wanted} belongs", event.key));
                *version = found;
            }
        }
        check.look(expected == partition.head, || {
            format!(
                "partition {}: the events end at {expected}, the head is {}",
                partition.id, partition.head
            )
        });
    }
    check
}
