//! Who may act: users that exist and are not deleted.
//!
//! Users live in their own partitions. A lane keeps those it has seen, and learns of deletions when the
//! store says that there are some it does not know (see [`crate::ports::events::event_store::AppendResult`]).

use crate::ports::Unavailable;
use crate::ports::events::event_store::EventStore;
use auction_domain::detail::Refusal;
use auction_domain::{RefusedClass, UserId};
use lru::LruCache;
use std::num::NonZeroUsize;
use thiserror::Error;

/// The sender of a command is nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("there is no user of this id, or the account was deleted")]
pub struct UnknownSender;

impl Refusal for UnknownSender {
    fn code(&self) -> &'static str {
        "unknown_sender"
    }
    fn class(&self) -> RefusedClass {
        RefusedClass::Forbidden
    }
}

/// A bounded cache of users that exist. More than its capacity stay for as long as one batch needs them.
pub struct ActiveUserCache {
    known: LruCache<UserId, ()>,
    capacity: NonZeroUsize,
    deletions: u64,
}

impl ActiveUserCache {
    /// Keeps at most so many. Knows nobody, so that only deletions after `newest_deletion` are news to it.
    pub fn new(newest_deletion: u64, capacity: NonZeroUsize) -> ActiveUserCache {
        ActiveUserCache { known: LruCache::unbounded(), capacity, deletions: newest_deletion }
    }

    /// The newest deletion that it knows.
    pub fn known_deletions(&self) -> u64 {
        self.deletions
    }

    /// Learns of the deletions since.
    pub async fn learn_deletions(&mut self, store: &mut impl EventStore) -> Result<(), Unavailable> {
        for (sequence, user) in store.deletions_after(self.deletions).await? {
            self.known.pop(&user);
            self.deletions = sequence;
        }
        Ok(())
    }

    /// Makes sure that those of these who exist are known.
    pub async fn load(&mut self, store: &mut impl EventStore, users: &[UserId]) -> Result<(), Unavailable> {
        let missing: Vec<UserId> =
            users.iter().copied().filter(|user| self.known.get(user).is_none()).collect();
        if !missing.is_empty() {
            for user in store.active_users(&missing).await? {
                self.known.put(user, ());
            }
        }
        Ok(())
    }

    /// Whether he exists.
    pub fn is_known(&mut self, user: UserId) -> bool {
        self.known.get(&user).is_some()
    }

    /// He was just created.
    pub fn add(&mut self, user: UserId) {
        self.known.put(user, ());
    }

    /// He was just deleted, or it is not known any more whether he exists.
    pub fn remove(&mut self, user: UserId) {
        self.known.pop(&user);
    }

    /// Drops who was not seen lately, down to the capacity; but the last `unstored` stay, whom the store may not
    /// have yet.
    pub fn trim(&mut self, unstored: usize) {
        while self.known.len() > self.capacity.get().max(unstored) {
            self.known.pop_lru();
        }
    }
}
