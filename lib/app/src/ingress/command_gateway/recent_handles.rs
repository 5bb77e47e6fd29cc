//! Handles that this process gave out lately for requests that may come again: a repeat gets the same handle, and
//! the same key with another payload is refused at once, also while the first is pending. This is a courtesy: what
//! came to another process, or long ago, is found out when it is decided, by the fingerprint of the stored outcome.

use super::CommandHandle;
use auction_domain::Timestamp;
use auction_wire::CommandId;
use lru::LruCache;
use std::num::NonZeroUsize;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// At most so many, of about a hundred bytes each.
const MOST: usize = 20_000;

/// Far below the time that outcomes are kept: behind that, a key is a new one.
const LATELY_MS: i64 = 60 * 60 * 1000;

/// The handles.
pub(super) struct RecentHandles(Mutex<LruCache<CommandId, CommandHandle>>);

impl Default for RecentHandles {
    fn default() -> RecentHandles {
        RecentHandles(Mutex::new(LruCache::new(NonZeroUsize::new(MOST).unwrap_or(NonZeroUsize::MIN))))
    }
}

impl RecentHandles {
    fn lock(&self) -> MutexGuard<'_, LruCache<CommandId, CommandHandle>> {
        // Each change is one call: it is whole also after a panic.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The handle of that command, if it was given out lately.
    pub(super) fn find(&self, command: CommandId, now: Timestamp) -> Option<CommandHandle> {
        self.lock().get(&command).copied().filter(|handle| now.0 - handle.received_at.0 < LATELY_MS)
    }

    /// It is given out.
    pub(super) fn note(&self, handle: CommandHandle) {
        self.lock().put(handle.command, handle);
    }
}
