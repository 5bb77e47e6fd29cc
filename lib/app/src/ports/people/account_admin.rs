//! What operators do with accounts and service keys.

use super::accounts::Profile;
use crate::ingress::accounts::{Role, TokenHash};
use crate::ports::Unavailable;
use auction_domain::{Timestamp, UserId};
use std::future::Future;
use std::num::NonZeroU32;

/// The accounts and the keys, for operators.
pub trait AccountAdmin: Send + Sync {
    /// The account with that address, in whatever case it is written.
    fn find(
        &self,
        email: &str,
    ) -> impl Future<Output = Result<Option<(UserId, Profile)>, Unavailable>> + Send;

    /// From now on the user has that role. Returns whether he has an account.
    fn grant(&self, user: UserId, role: Role) -> impl Future<Output = Result<bool, Unavailable>> + Send;

    /// Keeps a key. Not if there ever was one of that name: returns whether it is kept.
    fn create_key(
        &self,
        hash: TokenHash,
        key: &ApiKey,
    ) -> impl Future<Output = Result<bool, Unavailable>> + Send;

    /// All keys, the oldest first.
    fn keys(&self) -> impl Future<Output = Result<Vec<ApiKey>, Unavailable>> + Send;

    /// A key is not good any more. Returns which; none if there is none of that name.
    fn revoke_key(
        &self,
        name: &str,
        now: Timestamp,
    ) -> impl Future<Output = Result<Option<TokenHash>, Unavailable>> + Send;
}

/// A token of a program, but for the token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKey {
    /// By which operators know it.
    pub name: String,
    /// The most that it may act as.
    pub role: Role,
    /// So many requests a second are its own limit; if none, then those of users.
    pub per_second: Option<NonZeroU32>,
    /// Since when.
    pub created_at: Timestamp,
    /// Until when.
    pub expires_at: Option<Timestamp>,
    /// Since when it is not good any more.
    pub revoked_at: Option<Timestamp>,
}
