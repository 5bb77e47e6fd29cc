//! Reading notifications: what is stored, and copies of inboxes for everybody who keeps asking.

use crate::ports::Unavailable;
use auction_domain::UserId;
use std::future::Future;
use uuid::Uuid;

/// The inboxes as they are stored.
pub trait InboxStore: Send + Sync {
    /// Everything that a user's inbox keeps.
    fn inbox(&self, user: UserId) -> impl Future<Output = Result<InboxPage, Unavailable>> + Send;

    /// Everything up to this place is read, as far as there is anything. What was read stays so. Returns
    /// the place up to which it is.
    fn mark_read(&self, user: UserId, up_to: u64) -> impl Future<Output = Result<u64, Unavailable>> + Send;
}

/// Copies of inboxes, near those who read. A copy is made when its user asks, kept up to date by deliveries,
/// and gone after a while, or when it might miss something.
pub trait InboxCache: Send + Sync {
    /// At most `limit` (at least one) notifications behind a place, without a hole between them; none if
    /// there is no copy.
    fn page(
        &self,
        user: UserId,
        after: u64,
        limit: usize,
    ) -> impl Future<Output = Result<Option<InboxPage>, Unavailable>> + Send;

    /// From now on deliveries for this user are gathered for a copy. What is stored must be read after
    /// this; the mark says later which copy it was read for.
    fn reserve(&self, user: UserId) -> impl Future<Output = Result<Uuid, Unavailable>> + Send;

    /// Makes the copy from what is stored and what was gathered, unless that copy is no longer wanted.
    fn fill(
        &self,
        user: UserId,
        mark: Uuid,
        inbox: &InboxPage,
    ) -> impl Future<Output = Result<(), Unavailable>> + Send;

    /// Everything up to this place is read. What was read stays so.
    fn mark_read(&self, user: UserId, up_to: u64) -> impl Future<Output = Result<(), Unavailable>> + Send;
}

/// An inbox, or a page of one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InboxPage {
    /// The place of the oldest notification that is kept; behind `last` if none is.
    pub first: u64,
    /// The place of the newest; zero if there never was any.
    pub last: u64,
    /// The place up to which it is read.
    pub read_up_to: u64,
    /// Places and JSON, in order.
    pub entries: Vec<(u64, Vec<u8>)>,
}

impl InboxPage {
    /// How many of those that are kept are not read.
    pub fn unread(&self) -> u64 {
        (self.last + 1).saturating_sub(self.first.max(self.read_up_to + 1))
    }

    /// The part of it behind a place.
    pub fn page(self, after: u64, limit: usize) -> InboxPage {
        let behind = self.entries.into_iter().filter(|(seq, _)| *seq > after).take(limit);
        InboxPage { entries: behind.collect(), ..self }
    }
}
