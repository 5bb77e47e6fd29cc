//! Trimming: bounds the size of a stream without removing entries that are still needed.
//!
//! `XTRIM` ignores consumer groups: it removes entries that were never delivered, and entries that are
//! pending and then can never be processed. Here a script checks and trims in one atomic step. It checks each
//! group's lowest pending entry, or the first entry after its last delivered one; never the length of the
//! stream.

use crate::value::{number, text};
use crate::{DedicatedConnection, EntryId, StreamError};
use redis::{Value, cmd};

const TRIM: &str = include_str!("trim.lua");

/// Maximum number of entries removed in one call of [`trim`], so that a call does not block Redis for long.
pub const STEP_LIMIT: u64 = 10_000;

/// Entries that [`trim`] keeps regardless of their age.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TrimPolicy {
    /// Keeps entries that some group has not finished: undelivered, or delivered and not acknowledged. A
    /// stream without a group is not trimmed.
    KeepUnacknowledged,
    /// Keeps the newest entry only. Groups that still need other entries must get them elsewhere.
    KeepLast,
}

/// Result of one call of [`trim`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TrimResult {
    /// Number of entries removed.
    pub removed: u64,
    /// Oldest entry that some group has not acknowledged. Set only with [`TrimPolicy::KeepUnacknowledged`].
    pub oldest_unacknowledged: Option<EntryId>,
}

impl TrimResult {
    /// Whether another call may remove more entries.
    pub fn may_have_more(&self) -> bool {
        // Redis removes whole nodes while they fit into the limit, so a full step can remove fewer than the
        // limit.
        self.removed > STEP_LIMIT / 2
    }
}

/// Removes entries before `keep_from` from the front of a stream, at most [`STEP_LIMIT`] of them.
///
/// ```no_run
/// use stream_worker::trim::{TrimPolicy, trim};
/// use stream_worker::{DedicatedConnection, EntryId, StreamError};
///
/// /// Removes everything that was added before `keep_from` and that no group needs any more.
/// async fn trim_all(connection: &mut DedicatedConnection, keep_from: EntryId) -> Result<(), StreamError> {
///     while trim(connection, "{0}:mails", keep_from, TrimPolicy::KeepUnacknowledged).await?.may_have_more() {}
///     Ok(())
/// }
/// ```
///
/// Redis removes whole nodes of the stream (`stream-node-max-entries`, 100 by default), so up to a node of
/// removable entries stays. A call that removes nothing does not modify the stream: it does not fail a
/// `WATCH` on it.
///
/// # Errors
///
/// Returns an error if the connection fails, or the server refuses the script.
pub async fn trim(
    connection: &mut DedicatedConnection,
    stream: &str,
    keep_from: EntryId,
    policy: TrimPolicy,
) -> Result<TrimResult, StreamError> {
    let policy = match policy {
        TrimPolicy::KeepUnacknowledged => "unacknowledged",
        TrimPolicy::KeepLast => "last",
    };
    let mut script = cmd("EVAL");
    script.arg(TRIM).arg(1).arg(stream).arg(keep_from.to_string()).arg(policy).arg(STEP_LIMIT);
    let reply = connection.send_one(&script).await?;
    let parts = match &reply {
        Value::Array(parts) => parts.first().and_then(number).zip(parts.get(1)),
        _ => None,
    };
    let (removed, oldest) = parts.ok_or_else(|| StreamError::unexpected("EVAL", &reply))?;
    let oldest_unacknowledged = text(oldest).and_then(|id| id.parse().ok());
    Ok(TrimResult { removed: u64::try_from(removed).unwrap_or_default(), oldest_unacknowledged })
}
