//! Lag of a group: the number of undelivered entries. The `lag` of Redis is null or wrong after entries were
//! deleted or the group's position was set, so the entries are counted.

use super::count as count_of;
use auction_app::ports::operator::stream_stats::LagCount;
use redis::{Value, cmd};
use stream_worker::entry::range_reply;
use stream_worker::value::{last_generated_id, member, number, text};
use stream_worker::{DedicatedConnection, EntryId, StreamError};

/// Number of entries up to which the lag is counted.
const COUNT_LIMIT: u64 = 10_000;

/// Number of entries per read.
const CHUNK: usize = 1000;

/// Read position of a group.
pub(super) struct GroupReadState {
    pub(super) delivered: EntryId,
    /// Number of delivered entries, if Redis knows it.
    entries_read: Option<u64>,
}

impl GroupReadState {
    pub(super) fn of(group: &Value) -> Result<GroupReadState, StreamError> {
        let delivered = member(group, "last-delivered-id").and_then(text).and_then(|id| id.parse().ok());
        let entries_read = member(group, "entries-read").and_then(number);
        Ok(GroupReadState {
            delivered: delivered.ok_or_else(|| StreamError::unexpected("XINFO GROUPS", group))?,
            entries_read: entries_read.and_then(|read| u64::try_from(read).ok()),
        })
    }
}

/// Counts the entries after the last delivered one, as of the moment of `info`.
pub(super) async fn count(
    connection: &mut DedicatedConnection,
    key: &str,
    info: &Value,
    read: &GroupReadState,
) -> Result<LagCount, StreamError> {
    let (length, last) = (count_of(info, "length")?, last_generated_id(info)?);
    if length == 0 || read.delivered >= last {
        return Ok(LagCount::Exact(0));
    }
    let first = member(info, "first-entry").and_then(|entry| match entry {
        Value::Array(parts) => parts.first().and_then(text).and_then(|id| id.parse::<EntryId>().ok()),
        _ => None,
    });
    if first.is_some_and(|first| first > read.delivered) {
        return Ok(LagCount::Exact(length));
    }
    let mut counted = 0;
    let mut from = read.delivered;
    while counted < COUNT_LIMIT {
        let mut range = cmd("XRANGE");
        range.arg(key).arg(format!("({from}")).arg(last.to_string()).arg("COUNT").arg(CHUNK);
        let entries = range_reply(connection.send_one(&range).await?)?;
        counted += entries.len() as u64;
        match entries.last() {
            Some(entry) if entries.len() == CHUNK => from = entry.id,
            _ => return Ok(LagCount::Exact(counted)),
        }
    }
    Ok(by_difference(info, read, length).unwrap_or(LagCount::AtLeast(counted)))
}

/// Returns the lag from the counters of Redis if they are certain: no entry was ever deleted from the stream,
/// and the group has counted all its entries.
fn by_difference(info: &Value, read: &GroupReadState, length: u64) -> Option<LagCount> {
    let deleted = member(info, "max-deleted-entry-id").and_then(text);
    let difference = count_of(info, "entries-added").ok()?.checked_sub(read.entries_read?)?;
    (deleted == Some("0-0") && (COUNT_LIMIT..=length).contains(&difference))
        .then_some(LagCount::Exact(difference))
}
