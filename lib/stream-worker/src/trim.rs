//! Trimming: streams do not grow for ever, and no entry goes that is still needed.
//!
//! `XTRIM` knows nothing of groups: it takes entries that nobody was given yet, and entries that are
//! pending, which then can never be handled. Here one script looks and trims, so that nothing moves in
//! between. What is looked at is each group's lowest pending entry, or what comes behind its last delivered
//! one; never a length.

use crate::value::{number, text};
use crate::{DedicatedConnection, EntryId, StreamError};
use redis::{Value, cmd};

const TRIM: &str = include_str!("trim.lua");

/// At most so many entries go in one step, so that nobody waits for Redis meanwhile.
pub const STEP: u64 = 10_000;

/// Which entries stay, however old.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TrimPolicy {
    /// Those that a group has not done with: not delivered, or delivered and not acknowledged. Without a
    /// group that is all of them.
    Undone,
    /// The last one. What groups still need of the others they must get elsewhere.
    Last,
}

/// What a step came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Trimmed {
    /// So many entries are gone.
    pub removed: u64,
    /// The oldest entry that a group has not done with. Looked for only with [`TrimPolicy::Undone`].
    pub oldest_undone: Option<EntryId>,
}

impl Trimmed {
    /// Whether there may be more to take.
    pub fn more(&self) -> bool {
        // Redis takes whole nodes of a stream as long as they fit the step.
        self.removed > STEP / 2
    }
}

/// Takes entries before `keep_from` from the front of a stream, at most [`STEP`]. Some of them stay for
/// now: entries go by whole nodes of the stream (at most 100 entries, unless Redis is set up otherwise).
/// Taking nothing does not touch the stream, as far as `WATCH` is concerned.
pub async fn trim(
    connection: &mut DedicatedConnection,
    stream: &str,
    keep_from: EntryId,
    keep: TrimPolicy,
) -> Result<Trimmed, StreamError> {
    let keep = match keep {
        TrimPolicy::Undone => "undone",
        TrimPolicy::Last => "last",
    };
    let mut script = cmd("EVAL");
    script.arg(TRIM).arg(1).arg(stream).arg(keep_from.to_string()).arg(keep).arg(STEP);
    let reply = connection.send_one(&script).await?;
    let answer = match &reply {
        Value::Array(parts) => parts.first().and_then(number).zip(parts.get(1)),
        _ => None,
    };
    let (removed, undone) = answer.ok_or_else(|| StreamError::unexpected("EVAL", &reply))?;
    let oldest_undone = text(undone).and_then(|id| id.parse().ok());
    Ok(Trimmed { removed: u64::try_from(removed).unwrap_or_default(), oldest_undone })
}
