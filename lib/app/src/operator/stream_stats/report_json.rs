//! JSON form of the stream statistics.

use super::{Rates, StreamsReport};
use crate::ports::operator::stream_stats::{GroupProgress, LagCount, PartitionProgress, StreamProgress};
use auction_wire::operator_api::{ConsumerView, GroupView, PartitionView, StreamView, StreamsView};

/// Time after which an idle consumer counts as gone. Running consumers read several times a second.
const GONE_AFTER_MS: u64 = 30_000;

impl StreamsReport {
    /// Returns the JSON document of `GET /streams`.
    pub fn view(&self, rates: &Rates) -> StreamsView {
        StreamsView {
            observed_at_ms: self.stats.now_ms,
            partitions: self.stats.partitions.iter().map(|one| self.partition(one, rates)).collect(),
            store_error: self.stored.as_ref().err().map(ToString::to_string),
        }
    }

    fn partition(&self, progress: &PartitionProgress, rates: &Rates) -> PartitionView {
        let PartitionProgress { partition, streams, published, dead_letters } = progress;
        PartitionView {
            partition: partition.0,
            published: *published,
            stored: self.stored(*partition),
            dead_letters: *dead_letters,
            streams: streams.iter().map(|one| self.stream(one, rates)).collect(),
        }
    }

    fn stream(&self, stream: &StreamProgress, rates: &Rates) -> StreamView {
        StreamView {
            stream: stream.key.clone(),
            length: stream.length,
            added: stream.added,
            last_id: stream.last.to_string(),
            added_per_second: rates.added(&stream.key),
            groups: stream.groups.iter().map(|one| self.group(stream, one, rates)).collect(),
        }
    }

    fn group(&self, stream: &StreamProgress, group: &GroupProgress, rates: &Rates) -> GroupView {
        let (lag, lag_is_exact) = match group.lag {
            LagCount::Exact(lag) => (lag, true),
            LagCount::AtLeast(lag) => (lag, false),
        };
        let consumers = group.consumers.iter().map(|consumer| ConsumerView {
            name: consumer.name.clone(),
            pending: consumer.pending,
            idle_ms: consumer.idle_ms,
        });
        GroupView {
            group: group.name.clone(),
            lag,
            lag_is_exact,
            pending: group.pending,
            oldest_age_ms: group.oldest_ms.map(|oldest| self.stats.now_ms.saturating_sub(oldest)),
            acked_per_second: rates.acked(&stream.key, &group.name),
            owner: owner(group),
            lease: group.lease.clone(),
            consumers: consumers.collect(),
        }
    }
}

/// Returns the owner of a group: the holder of the lease, else the consumers that are active or have pending
/// entries.
pub fn owner(group: &GroupProgress) -> String {
    if let Some(lease) = &group.lease {
        return lease.clone();
    }
    let active = group.consumers.iter().filter(|one| one.idle_ms < GONE_AFTER_MS || one.pending > 0);
    let names: Vec<&str> = active.map(|consumer| consumer.name.as_str()).collect();
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ports::operator::stream_stats::Consumer;

    #[test]
    fn owner_is_the_lease_holder_else_the_active_consumers() {
        let consumer = |name: &str, pending, idle_ms| Consumer { name: name.to_owned(), pending, idle_ms };
        let mut group = GroupProgress {
            name: "writer".to_owned(),
            lag: LagCount::Exact(0),
            pending: 3,
            oldest_ms: None,
            lease: None,
            consumers: vec![
                consumer("here", 0, 20),
                consumer("died", 3, 90_000),
                consumer("left", 0, 90_000),
            ],
        };
        assert_eq!(owner(&group), "here, died");
        group.lease = Some("holder".to_owned());
        assert_eq!(owner(&group), "holder");
        group = GroupProgress { lease: None, consumers: Vec::new(), ..group };
        assert_eq!(owner(&group), "none");
    }
}
