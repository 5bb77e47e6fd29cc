//! Text format of a streams report.

use auction_app::operator::stream_stats::{Rates, StreamsReport, owner};
use auction_app::ports::operator::stream_stats::{GroupProgress, LagCount, StreamProgress};
use std::fmt::Write;

/// Formats a report: a line per stream and consumer group, then a line per partition.
pub(super) fn text(report: &StreamsReport, rates: &Rates) -> String {
    let mut text = format!(
        "{:<19} {:>9} {:>8}  {:<12} {:>8} {:>8} {:>8} {:>8}  {}\n",
        "stream", "length", "added/s", "group", "lag", "pending", "oldest", "acked/s", "owner"
    );
    for stream in report.stats.partitions.iter().flat_map(|partition| &partition.streams) {
        let begin = format!("{:<19} {:>9} {:>8}", stream.key, stream.length, rate(rates.added(&stream.key)));
        let mut groups =
            stream.groups.iter().map(|group| group_columns(stream, group, report, rates)).peekable();
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
    for partition in &report.stats.partitions {
        let stored = report.stored(partition.partition).map_or("?".to_owned(), |stored| stored.to_string());
        let (published, dead) = (partition.published, partition.dead_letters);
        let _ =
            writeln!(text, "{:>9} {published:>10} {stored:>10} {dead:>13}", partition.partition.to_string());
    }
    if let Err(error) = &report.stored {
        let _ = writeln!(text, "{error}");
    }
    text
}

fn group_columns(
    stream: &StreamProgress,
    group: &GroupProgress,
    report: &StreamsReport,
    rates: &Rates,
) -> String {
    let lag = match group.lag {
        LagCount::Exact(lag) => lag.to_string(),
        LagCount::AtLeast(lag) => format!(">={lag}"),
    };
    let oldest =
        group.oldest_ms.map_or("-".to_owned(), |oldest| age(report.stats.now_ms.saturating_sub(oldest)));
    format!(
        "{:<12} {lag:>8} {:>8} {oldest:>8} {:>8}  {}",
        group.name,
        group.pending,
        rate(rates.acked(&stream.key, &group.name)),
        owner(group),
    )
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

    #[test]
    fn ages_are_short() {
        assert_eq!(age(1_250), "1.2 s");
        assert_eq!(age(75_000), "75 s");
        assert_eq!(age(3_600_000), "60 min");
        assert_eq!(age(259_200_000), "3 days");
    }
}
