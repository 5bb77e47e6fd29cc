//! Reads the inboxes of users.

use crate::ports::Unavailable;
use crate::ports::notifications::inbox::{self, InboxCache, InboxStore};
use auction_domain::UserId;
use std::sync::Arc;

/// Reads inboxes from the cache, and fills the cache from the store.
pub struct InboxReader {
    pub store: Arc<dyn InboxStore>,
    pub cache: Arc<dyn InboxCache>,
}

impl InboxReader {
    /// Returns at most `limit` notifications with sequence numbers above `after`.
    pub async fn page(
        &self,
        user: UserId,
        after: u64,
        limit: usize,
    ) -> Result<inbox::InboxPage, Unavailable> {
        if let Some(page) = self.cache.page(user, after, limit).await? {
            return Ok(page);
        }
        // The order matters. Deliveries after `reserve` are collected in the cache, and notifications that
        // were delivered before it are in the store.
        let mark = self.cache.reserve(user).await?;
        let inbox = self.store.inbox(user).await?;
        self.cache.fill(user, mark, &inbox).await?;
        Ok(inbox.page(after, limit))
    }

    /// Marks notifications up to a sequence number as read. Returns the number up to which the inbox is read,
    /// and the number of unread notifications.
    pub async fn mark_read(&self, user: UserId, up_to: u64) -> Result<(u64, u64), Unavailable> {
        let up_to = self.store.mark_read(user, up_to).await?;
        self.cache.mark_read(user, up_to).await?;
        let page = self.page(user, up_to, 1).await?;
        Ok((up_to, page.unread()))
    }
}
