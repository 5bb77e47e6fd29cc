//! Rates at which entries are added to streams and acknowledged.

use super::StreamsReport;
use crate::ports::operator::stream_stats::{GroupProgress, LagCount};
use std::collections::BTreeMap;

/// Entries per second between two reports.
#[derive(Debug, Default)]
pub struct Rates {
    added: BTreeMap<String, f64>,
    /// Keyed by stream and consumer group.
    acked: BTreeMap<(String, String), f64>,
}

impl Rates {
    /// Computes the rates. A stream that is new or was reset has none, nor has a group whose lag is not
    /// exact.
    pub fn between(before: &StreamsReport, now: &StreamsReport) -> Rates {
        let seconds = now.stats.now_ms.saturating_sub(before.stats.now_ms) as f64 / 1000.0;
        let mut rates = Rates::default();
        let streams = |report: &StreamsReport| {
            let streams = report.stats.partitions.iter().flat_map(|partition| partition.streams.clone());
            streams.map(|stream| (stream.key.clone(), stream)).collect::<BTreeMap<_, _>>()
        };
        let old = streams(before);
        for (key, stream) in streams(now) {
            let Some(old) = old.get(&key).filter(|_| seconds > 0.0) else { continue };
            let Some(added) = stream.added.checked_sub(old.added) else { continue };
            rates.added.insert(key.clone(), added as f64 / seconds);
            for group in &stream.groups {
                let old = old.groups.iter().find(|old| old.name == group.name).and_then(unacked);
                if let (Some(old), Some(unacked)) = (old, unacked(group)) {
                    // Deleted entries would count as acknowledged, but only acknowledged entries are deleted.
                    let acked = (old + added).saturating_sub(unacked);
                    rates.acked.insert((key.clone(), group.name.clone()), acked as f64 / seconds);
                }
            }
        }
        rates
    }

    /// Returns the entries per second added to a stream.
    pub fn added(&self, stream: &str) -> Option<f64> {
        self.added.get(stream).copied()
    }

    /// Returns the entries per second acknowledged by a consumer group.
    pub fn acked(&self, stream: &str, group: &str) -> Option<f64> {
        self.acked.get(&(stream.to_owned(), group.to_owned())).copied()
    }
}

/// Returns the number of entries that the group has not acknowledged; none if the lag is not exact.
fn unacked(group: &GroupProgress) -> Option<u64> {
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

    fn report(now_ms: u64, added: u64, lag: LagCount, pending: u64) -> StreamsReport {
        let group = GroupProgress {
            name: "writer".to_owned(),
            lag,
            pending,
            oldest_ms: None,
            lease: None,
            consumers: Vec::new(),
        };
        let key = "bids".to_owned();
        let stream = StreamProgress { key, length: added, added, last: EntryId::ZERO, groups: vec![group] };
        let partition = PartitionProgress {
            partition: PartitionId(0),
            streams: vec![stream],
            published: 0,
            dead_letters: 0,
        };
        StreamsReport {
            stats: StreamStats { now_ms, partitions: vec![partition] },
            stored: Ok(Positions::default()),
        }
    }

    fn rates(before: &StreamsReport, now: &StreamsReport) -> (Option<f64>, Option<f64>) {
        let rates = Rates::between(before, now);
        (rates.added("bids"), rates.acked("bids", "writer"))
    }

    #[test]
    fn acked_rate_is_the_added_rate_minus_the_growth_of_the_lag() {
        let before = report(10_000, 100, LagCount::Exact(40), 10);
        assert_eq!(rates(&before, &report(12_000, 120, LagCount::Exact(30), 0)), (Some(10.0), Some(20.0)));
        assert_eq!(rates(&before, &report(12_000, 120, LagCount::Exact(60), 10)), (Some(10.0), Some(0.0)));
    }

    #[test]
    fn rates_are_unknown_after_a_reset_or_without_an_exact_lag() {
        let before = report(10_000, 100, LagCount::Exact(40), 10);
        assert_eq!(rates(&before, &report(12_000, 120, LagCount::AtLeast(10_000), 0)), (Some(10.0), None));
        assert_eq!(
            rates(&before, &report(12_000, 5, LagCount::Exact(5), 0)),
            (None, None),
            "the stream was reset"
        );
        assert_eq!(rates(&before, &before), (None, None));
    }
}
