//! Active users of a partition writer: users that exist and are not deleted.
//!
//! A user and the auctions they bid in are usually in different partitions. Each partition writer caches the
//! users that it has looked up. A bar removes deleted users from the cache (`auction_domain::user_bar`), and every
//! later lookup finds the deletion, which was stored before the bar was sent.

use crate::ports::Unavailable;
use crate::ports::events::event_store::EventStore;
use auction_domain::UserId;
use auction_wire::PartitionId;
use lru::LruCache;
use std::collections::HashSet;
use std::num::NonZeroUsize;

/// Bounded cache of active users. It may exceed its capacity while a batch is decided.
pub struct ActiveUserCache {
    partition: PartitionId,
    users: LruCache<UserId, ()>,
    capacity: NonZeroUsize,
    /// Users that this batch has deleted or barred. The store does not have it yet.
    removed: Removed,
    /// Users that the previous batch has deleted or barred. The store may not have it yet.
    removed_before: Removed,
    /// Users with a stored bar whose bids and auctions may not all be removed. Loaded for batches with a close.
    unfinished_bars: HashSet<UserId>,
}

#[derive(Debug, Default)]
struct Removed {
    deleted: HashSet<UserId>,
    barred: HashSet<UserId>,
}

impl ActiveUserCache {
    /// Creates an empty cache of `capacity` users for the writer of a partition.
    pub fn new(partition: PartitionId, capacity: NonZeroUsize) -> ActiveUserCache {
        ActiveUserCache {
            partition,
            users: LruCache::unbounded(),
            capacity,
            removed: Removed::default(),
            removed_before: Removed::default(),
            unfinished_bars: HashSet::new(),
        }
    }

    /// Starts a batch: loads those of its senders that are active and, if it closes auctions, the users whose
    /// bars are not finished.
    pub async fn load(
        &mut self,
        store: &mut impl EventStore,
        senders: &[UserId],
        has_close: bool,
    ) -> Result<(), Unavailable> {
        self.removed_before = std::mem::take(&mut self.removed);
        self.unfinished_bars = match has_close {
            true => store.unfinished_bars(self.partition).await?.into_iter().collect(),
            false => HashSet::new(),
        };
        let missing: Vec<UserId> =
            senders.iter().copied().filter(|user| self.users.get(user).is_none()).collect();
        if !missing.is_empty() {
            for user in store.active_users(self.partition, &missing).await? {
                self.users.put(user, ());
            }
        }
        for user in self.removed_before.deleted.iter().chain(&self.removed_before.barred) {
            self.users.pop(user);
        }
        Ok(())
    }

    /// Returns whether a user is active. The user must have been loaded.
    pub fn is_active(&mut self, user: UserId) -> bool {
        self.users.get(&user).is_some()
    }

    /// Returns whether a user was barred, and may have bids or auctions left. Valid in a batch that was loaded
    /// with a close.
    pub fn is_barred(&self, user: UserId) -> bool {
        self.removed.barred.contains(&user)
            || self.removed_before.barred.contains(&user)
            || self.unfinished_bars.contains(&user)
    }

    /// Adds a user who was created.
    pub fn add(&mut self, user: UserId) {
        self.users.put(user, ());
    }

    /// Removes a user who was deleted in this partition.
    pub fn delete(&mut self, user: UserId) {
        self.users.pop(&user);
        self.removed.deleted.insert(user);
    }

    /// Removes a deleted user who was barred from this partition.
    pub fn bar(&mut self, user: UserId) {
        self.users.pop(&user);
        self.removed.barred.insert(user);
    }

    /// Discards what was learned since the last stored batch. `touched` are the users of unstored commands.
    pub fn rollback(&mut self, touched: impl Iterator<Item = UserId>) {
        for user in touched {
            self.users.pop(&user);
        }
        self.removed = Removed::default();
        self.removed_before = Removed::default();
    }

    /// Drops the least recently used entries above the capacity. The last `unstored` ones stay, since the
    /// store may not have them yet.
    pub fn trim(&mut self, unstored: usize) {
        while self.users.len() > self.capacity.get().max(unstored) {
            self.users.pop_lru();
        }
    }
}
