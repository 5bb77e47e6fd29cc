//! Handles that this process issued recently for requests with an idempotency key.
//!
//! A repeated request gets the same handle. A reused key with another payload is refused at once, even while
//! the first command is pending. This is best effort: for requests to other processes, or long ago, the
//! writer detects the reuse by the fingerprint of the stored outcome.

use super::CommandHandle;
use auction_domain::Timestamp;
use auction_wire::CommandId;
use lru::LruCache;
use std::num::NonZeroUsize;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Maximum number of handles, of about a hundred bytes each.
const CAPACITY: usize = 20_000;

/// Time after which a handle is not returned any more. Far below the retention of outcomes, after which an
/// idempotency key counts as new.
const MAX_AGE_MS: i64 = 60 * 60 * 1000;

/// Least-recently-used cache of handles.
pub(super) struct RecentHandles(Mutex<LruCache<CommandId, CommandHandle>>);

impl Default for RecentHandles {
    fn default() -> RecentHandles {
        RecentHandles(Mutex::new(LruCache::new(NonZeroUsize::new(CAPACITY).unwrap_or(NonZeroUsize::MIN))))
    }
}

impl RecentHandles {
    fn lock(&self) -> MutexGuard<'_, LruCache<CommandId, CommandHandle>> {
        // A panic cannot leave the cache inconsistent: each change is one call.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the handle of a command if it was issued recently.
    pub(super) fn find(&self, command: CommandId, now: Timestamp) -> Option<CommandHandle> {
        self.lock().get(&command).copied().filter(|handle| now.0 - handle.received_at.0 < MAX_AGE_MS)
    }

    pub(super) fn insert(&self, handle: CommandHandle) {
        self.lock().put(handle.command, handle);
    }
}
