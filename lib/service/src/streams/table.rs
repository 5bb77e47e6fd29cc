//! What was seen, for people.

use super::{Look, Rates};
use auction_redis::progress::{Count, GroupProgress, StreamProgress};
use std::fmt::Write;

/// A consumer that was not heard of for so long is not there any more: they all read several times a
/// second.
const GONE_AFTER_MS: u64 = 30_000;

/// One line for each stream and group, then one for each partition.
pub(super) fn text(look: &Look, rates: &Rates) -> String {
    let mut text = format!(
        "{:<19} {:>9} {:>8}  {:<12} {:>8} {:>8} {:>8} {:>8}  {}\n",
        "stream", "length", "in/s", "group", "lag", "pending", "oldest", "done/s", "owner"
    );
    for stream in look.partitions.iter().flat_map(|partition| &partition.streams) {
        let begin = format!("{:<19} {:>9} {:>8}", stream.key, stream.length, rate(rates.added(&stream.key)));
        let mut groups = stream.groups.iter().map(|group| of_group(stream, group, look, rates)).peekable();
        if groups.peek().is_none() {
            // Writing into a string cannot fail.
            let _ = writeln!(text, "{begin}");
        }
        for (n, group) in groups.enumerate() {
            let begin = if n == 0 { &begin } else { "" };
            let _ = writeln!(text, "{begin:<38}  {group}");
        }
    }
    text.push_str("\npartition  published     stored  dead letters\n");
    for partition in &look.partitions {
        let stored = partition.stored.map_or("?".to_owned(), |stored| stored.to_string());
        let (published, dead) = (partition.published(), partition.dead_letters());
        let _ =
            writeln!(text, "{:>9} {published:>10} {stored:>10} {dead:>13}", partition.partition.to_string());
    }
    if let Some(error) = &look.store_is_away {
        let _ = writeln!(text, "{error}");
    }
    text
}

fn of_group(stream: &StreamProgress, group: &GroupProgress, look: &Look, rates: &Rates) -> String {
    let lag = match group.lag {
        Count::Exactly(lag) => lag.to_string(),
        Count::AtLeast(lag) => format!(">={lag}"),
    };
    let oldest = group.oldest_ms.map_or("-".to_owned(), |oldest| age(look.now_ms.saturating_sub(oldest)));
    format!(
        "{:<12} {lag:>8} {:>8} {oldest:>8} {:>8}  {}",
        group.name,
        group.pending,
        rate(rates.done(&stream.key, &group.name)),
        owner(group),
    )
}

/// Who works on it: who has the lease, or else the consumers that are there or have something pending.
pub(super) fn owner(group: &GroupProgress) -> String {
    if let Some(lease) = &group.lease {
        return lease.clone();
    }
    let there = group.consumers.iter().filter(|one| one.idle_ms < GONE_AFTER_MS || one.pending > 0);
    let names: Vec<&str> = there.map(|consumer| consumer.name.as_str()).collect();
    if names.is_empty() { "nobody".to_owned() } else { names.join(", ") }
}

fn rate(rate: Option<f64>) -> String {
    rate.map_or("?".to_owned(), |rate| format!("{rate:.1}"))
}

fn age(ms: u64) -> String {
    match ms {
        ms @ ..10_000 => format!("{:.1} s", ms as f64 / 1000.0),
        ms @ ..120_000 => format!("{} s", ms / 1000),
        ms @ ..7_200_000 => format!("{} min", ms / 60_000),
        ms @ ..172_800_000 => format!("{} h", ms / 3_600_000),
        ms => format!("{} days", ms / 86_400_000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use auction_redis::progress::Consumer;

    #[test]
    fn the_owner_is_who_has_the_lease_or_else_who_reads() {
        let consumer = |name: &str, pending, idle_ms| Consumer { name: name.to_owned(), pending, idle_ms };
        let mut group = GroupProgress {
            name: "writer".to_owned(),
            lag: Count::Exactly(0),
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
        assert_eq!(owner(&group), "nobody");
    }

    #[test]
    fn ages_are_short() {
        assert_eq!(age(1_250), "1.2 s");
        assert_eq!(age(75_000), "75 s");
        assert_eq!(age(3_600_000), "60 min");
        assert_eq!(age(259_200_000), "3 days");
    }
}
