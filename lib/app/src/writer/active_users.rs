//! Cache of active users: users that exist and are not deleted.
//!
//! A user and the auctions they bid in are usually in different partitions. Each partition writer caches the
//! users that it has looked up. It loads newer deletions when an append returns
//! [`AppendResult::StaleDeletions`](crate::ports::events::event_store::AppendResult::StaleDeletions).

use crate::ports::Unavailable;
use crate::ports::events::event_store::EventStore;
use auction_domain::UserId;
use lru::LruCache;
use std::num::NonZeroUsize;

/// Bounded cache of active users. It may exceed its capacity while a batch is decided.
pub struct ActiveUserCache {
    users: LruCache<UserId, ()>,
    capacity: NonZeroUsize,
    newest_deletion: u64,
}

impl ActiveUserCache {
    /// Creates an empty cache for `capacity` users. It is empty, so only deletions after `newest_deletion`
    /// can affect it.
    pub fn new(newest_deletion: u64, capacity: NonZeroUsize) -> ActiveUserCache {
        ActiveUserCache { users: LruCache::unbounded(), capacity, newest_deletion }
    }

    /// Returns the sequence number of the newest deletion that the cache takes into account.
    pub fn known_deletions(&self) -> u64 {
        self.newest_deletion
    }

    /// Removes users that were deleted since the last call.
    pub async fn learn_deletions(&mut self, store: &mut impl EventStore) -> Result<(), Unavailable> {
        for (sequence, user) in store.deletions_after(self.newest_deletion).await? {
            self.users.pop(&user);
            self.newest_deletion = sequence;
        }
        Ok(())
    }

    /// Loads those of these users that are active.
    pub async fn load(&mut self, store: &mut impl EventStore, users: &[UserId]) -> Result<(), Unavailable> {
        let missing: Vec<UserId> =
            users.iter().copied().filter(|user| self.users.get(user).is_none()).collect();
        if !missing.is_empty() {
            for user in store.active_users(&missing).await? {
                self.users.put(user, ());
            }
        }
        Ok(())
    }

    /// Returns whether a user is active. The user must have been loaded.
    pub fn is_active(&mut self, user: UserId) -> bool {
        self.users.get(&user).is_some()
    }

    pub fn add(&mut self, user: UserId) {
        self.users.put(user, ());
    }

    /// Removes a user who was deleted, or whose state is uncertain after a failed append.
    pub fn remove(&mut self, user: UserId) {
        self.users.pop(&user);
    }

    /// Drops the least recently used entries above the capacity. The last `unstored` ones stay, since the
    /// store may not have them yet.
    pub fn trim(&mut self, unstored: usize) {
        while self.users.len() > self.capacity.get().max(unstored) {
            self.users.pop_lru();
        }
    }
}
