//! Reads notifications: the stored inboxes, and a cache of them for users who poll or listen.

use crate::ports::Unavailable;
use async_trait::async_trait;
use auction_domain::UserId;
use uuid::Uuid;

/// Stored inboxes of all users.
#[async_trait]
pub trait InboxStore: Send + Sync {
    /// Returns all stored notifications of a user.
    async fn inbox(&self, user: UserId) -> Result<InboxPage, Unavailable>;

    /// Marks all existing notifications with sequence numbers up to `up_to` as read, and returns the number
    /// up to which the inbox is read. Idempotent; a notification that is read stays read.
    async fn mark_read(&self, user: UserId, up_to: u64) -> Result<u64, Unavailable>;
}

/// Cache of inboxes.
///
/// An inbox is cached when its user requests it, and deliveries keep the entry up to date. An entry expires
/// after some time, and is removed when it may have missed a delivery.
#[async_trait]
pub trait InboxCache: Send + Sync {
    /// Returns at most `limit` (at least one) notifications with sequence numbers above `after`, without a
    /// gap between them; `None` if the inbox is not cached.
    async fn page(&self, user: UserId, after: u64, limit: usize) -> Result<Option<InboxPage>, Unavailable>;

    /// Starts to collect deliveries for a cache entry of this user.
    ///
    /// Read the stored inbox after this call, and pass it to [`InboxCache::fill`] with the returned mark,
    /// which identifies the entry.
    async fn reserve(&self, user: UserId) -> Result<Uuid, Unavailable>;

    /// Fills the entry with the stored inbox and the collected deliveries. Does nothing if the entry with
    /// this mark does not exist any more.
    async fn fill(&self, user: UserId, mark: Uuid, inbox: &InboxPage) -> Result<(), Unavailable>;

    /// Marks the notifications with sequence numbers up to `up_to` as read. Idempotent; a notification that
    /// is read stays read.
    async fn mark_read(&self, user: UserId, up_to: u64) -> Result<(), Unavailable>;
}

/// An inbox, or a page of one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InboxPage {
    /// Sequence number of the oldest stored notification; `last + 1` if none is stored.
    pub first: u64,
    /// Sequence number of the newest notification; zero if there never was one.
    pub last: u64,
    /// Sequence number up to which the inbox is read.
    pub read_up_to: u64,
    /// Sequence numbers and JSON, in order.
    pub entries: Vec<(u64, Vec<u8>)>,
}

impl InboxPage {
    /// Returns the number of stored notifications that are unread.
    pub fn unread(&self) -> u64 {
        (self.last + 1).saturating_sub(self.first.max(self.read_up_to + 1))
    }

    /// Returns the same page with at most `limit` entries, those with sequence numbers above `after`.
    pub fn page(self, after: u64, limit: usize) -> InboxPage {
        let entries = self.entries.into_iter().filter(|(seq, _)| *seq > after).take(limit);
        InboxPage { entries: entries.collect(), ..self }
    }
}
