//! Reads the notification preferences of users.

use crate::ports::Unavailable;
use async_trait::async_trait;
use auction_domain::UserId;
use auction_domain::user::NotificationPreferences;

/// Reads the notification preferences of users.
#[async_trait]
pub trait PreferenceReader: Send + Sync {
    /// Returns the preferences of a user as of all stored events; `None` if the user does not exist.
    async fn preferences(&self, user: UserId) -> Result<Option<NotificationPreferences>, Unavailable>;
}
