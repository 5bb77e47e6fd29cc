//! Reading notifications.

use crate::ports::Unavailable;
use crate::ports::notifications::inbox::{self, InboxCache, InboxStore};
use auction_domain::UserId;

/// The inboxes of all users.
#[derive(Clone, Debug)]
pub struct InboxReader<S, C> {
    stored: S,
    copies: C,
}

impl<S: InboxStore, C: InboxCache> InboxReader<S, C> {
    /// What is stored, and copies of it.
    pub fn new(stored: S, copies: C) -> InboxReader<S, C> {
        InboxReader { stored, copies }
    }

    /// At most `limit` notifications behind a place.
    pub async fn page(
        &self,
        user: UserId,
        after: u64,
        limit: usize,
    ) -> Result<inbox::InboxPage, Unavailable> {
        if let Some(page) = self.copies.page(user, after, limit).await? {
            return Ok(page);
        }
        // In this order: what is delivered while the store is read is gathered, and what was delivered
        // before was stored before.
        let mark = self.copies.reserve(user).await?;
        let inbox = self.stored.inbox(user).await?;
        self.copies.fill(user, mark, &inbox).await?;
        Ok(inbox.page(after, limit))
    }

    /// Marks everything up to a place as read. Returns the place up to which it is, and how many are not.
    pub async fn mark_read(&self, user: UserId, up_to: u64) -> Result<(u64, u64), Unavailable> {
        let up_to = self.stored.mark_read(user, up_to).await?;
        self.copies.mark_read(user, up_to).await?;
        let page = self.page(user, up_to, 1).await?;
        Ok((up_to, page.unread()))
    }
}
