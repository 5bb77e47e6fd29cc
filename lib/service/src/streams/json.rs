//! What was seen, for programs.

use super::{Look, Rates, table};
use auction_redis::progress::{Count, GroupProgress, StreamProgress};
use serde_json::{Value, json};

/// One look as one line.
pub(super) fn line(look: &Look, rates: &Rates) -> String {
    let partitions = look.partitions.iter().map(|partition| {
        json!({
            "partition": partition.partition.0,
            "published": partition.published(),
            "stored": partition.stored,
            "dead_letters": partition.dead_letters(),
            "streams": partition.streams.iter().map(|one| stream(one, look, rates)).collect::<Vec<_>>(),
        })
    });
    let partitions: Vec<Value> = partitions.collect();
    let away = look.store_is_away.as_ref().map(ToString::to_string);
    format!("{}\n", json!({ "at_ms": look.now_ms, "partitions": partitions, "store_is_away": away }))
}

fn stream(stream: &StreamProgress, look: &Look, rates: &Rates) -> Value {
    json!({
        "stream": stream.key,
        "length": stream.length,
        "added": stream.added,
        "last_id": stream.last.to_string(),
        "in_per_second": rates.added(&stream.key),
        "groups": stream.groups.iter().map(|one| group(stream, one, look, rates)).collect::<Vec<_>>(),
    })
}

fn group(stream: &StreamProgress, group: &GroupProgress, look: &Look, rates: &Rates) -> Value {
    let (lag, is_exact) = match group.lag {
        Count::Exactly(lag) => (lag, true),
        Count::AtLeast(lag) => (lag, false),
    };
    let consumers = group.consumers.iter().map(
        |consumer| json!({ "name": consumer.name, "pending": consumer.pending, "idle_ms": consumer.idle_ms }),
    );
    json!({
        "group": group.name,
        "lag": lag,
        "lag_is_exact": is_exact,
        "pending": group.pending,
        "oldest_age_ms": group.oldest_ms.map(|oldest| look.now_ms.saturating_sub(oldest)),
        "done_per_second": rates.done(&stream.key, &group.name),
        "owner": table::owner(group),
        "lease": group.lease,
        "consumers": consumers.collect::<Vec<_>>(),
    })
}
