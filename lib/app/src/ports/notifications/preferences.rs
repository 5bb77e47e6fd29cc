//! Reads the notification preferences of users.

use crate::ports::Unavailable;
use auction_domain::UserId;
use auction_domain::user::NotificationPreferences;
use std::future::Future;

/// Reads the notification preferences of users.
pub trait PreferenceReader: Send + Sync {
    /// Returns the preferences of a user as of all stored events; `None` if the user does not exist.
    fn preferences(
        &self,
        user: UserId,
    ) -> impl Future<Output = Result<Option<NotificationPreferences>, Unavailable>> + Send;
}
