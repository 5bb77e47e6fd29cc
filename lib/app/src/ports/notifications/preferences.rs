//! What users want to be told.

use crate::ports::Unavailable;
use auction_domain::UserId;
use auction_domain::user::NotificationPreferences;
use std::future::Future;

/// Looks choices up.
pub trait PreferenceReader: Send + Sync {
    /// What a user wants to be told, by all his events that are stored; none if there is no such user.
    fn subscriptions(
        &self,
        user: UserId,
    ) -> impl Future<Output = Result<Option<NotificationPreferences>, Unavailable>> + Send;
}
