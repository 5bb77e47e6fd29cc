//! How fast entries come, and go.

use super::StreamsReport;
use crate::ports::operator::stream_stats::{GroupProgress, LagCount};
use std::collections::BTreeMap;

/// Entries a second, between two looks.
#[derive(Debug, Default)]
pub struct Rates {
    /// Onto each stream.
    added: BTreeMap<String, f64>,
    /// Acknowledged by each group of each stream.
    done: BTreeMap<(String, String), f64>,
}

impl Rates {
    /// None of a stream that is new or began anew, and of a group whose lag could not be counted.
    pub fn between(before: &StreamsReport, now: &StreamsReport) -> Rates {
        let seconds = now.seen.now_ms.saturating_sub(before.seen.now_ms) as f64 / 1000.0;
        let mut rates = Rates::default();
        let streams = |look: &StreamsReport| {
            let streams = look.seen.partitions.iter().flat_map(|partition| partition.streams.clone());
            streams.map(|stream| (stream.key.clone(), stream)).collect::<BTreeMap<_, _>>()
        };
        let old = streams(before);
        for (key, stream) in streams(now) {
            let Some(old) = old.get(&key).filter(|_| seconds > 0.0) else { continue };
            let Some(added) = stream.added.checked_sub(old.added) else { continue };
            rates.added.insert(key.clone(), added as f64 / seconds);
            for group in &stream.groups {
                let old = old.groups.iter().find(|old| old.name == group.name).and_then(left);
                if let (Some(old), Some(left)) = (old, left(group)) {
                    // Deleted entries are no work that was done, but nobody deletes what is not.
                    let done = (old + added).saturating_sub(left);
                    rates.done.insert((key.clone(), group.name.clone()), done as f64 / seconds);
                }
            }
        }
        rates
    }

    /// Entries a second that came onto a stream.
    pub fn added(&self, stream: &str) -> Option<f64> {
        self.added.get(stream).copied()
    }

    /// Entries a second that a group acknowledged.
    pub fn done(&self, stream: &str, group: &str) -> Option<f64> {
        self.done.get(&(stream.to_owned(), group.to_owned())).copied()
    }
}

/// What a group has yet to do, if that could be counted.
fn left(group: &GroupProgress) -> Option<u64> {
    match group.lag {
        LagCount::Exact(lag) => Some(lag + group.pending),
        LagCount::AtLeast(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ports::operator::stream_stats::{PartitionProgress, StreamProgress, StreamStats};
    use auction_wire::PartitionId;
    use auction_wire::Positions;
    use worker_runtime::EntryId;

    fn look(now_ms: u64, added: u64, lag: LagCount, pending: u64) -> StreamsReport {
        let group = GroupProgress {
            name: "writer".to_owned(),
            lag,
            pending,
            oldest_ms: None,
            lease: None,
            consumers: Vec::new(),
        };
        let key = "ap:{00}:cmd:bid".to_owned();
        let stream = StreamProgress { key, length: added, added, last: EntryId::ZERO, groups: vec![group] };
        let partition = PartitionProgress {
            partition: PartitionId(0),
            streams: vec![stream],
            published: 0,
            dead_letters: 0,
        };
        StreamsReport {
            seen: StreamStats { now_ms, partitions: vec![partition] },
            stored: Ok(Positions::default()),
        }
    }

    fn rates(before: &StreamsReport, now: &StreamsReport) -> (Option<f64>, Option<f64>) {
        let rates = Rates::between(before, now);
        (rates.added("ap:{00}:cmd:bid"), rates.done("ap:{00}:cmd:bid", "writer"))
    }

    #[test]
    fn what_came_and_is_not_left_was_done() {
        let before = look(10_000, 100, LagCount::Exact(40), 10);
        assert_eq!(rates(&before, &look(12_000, 120, LagCount::Exact(30), 0)), (Some(10.0), Some(20.0)));
        assert_eq!(rates(&before, &look(12_000, 120, LagCount::Exact(60), 10)), (Some(10.0), Some(0.0)));
    }

    #[test]
    fn what_is_not_certain_has_no_rate() {
        let before = look(10_000, 100, LagCount::Exact(40), 10);
        assert_eq!(rates(&before, &look(12_000, 120, LagCount::AtLeast(10_000), 0)), (Some(10.0), None));
        assert_eq!(rates(&before, &look(12_000, 5, LagCount::Exact(5), 0)), (None, None), "began anew");
        assert_eq!(rates(&before, &before), (None, None));
    }
}
