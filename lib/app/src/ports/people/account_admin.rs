//! Manages accounts and API keys, for operators.

use super::accounts::Profile;
use crate::ports::Unavailable;
use crate::ports::people::{Role, TokenHash};
use auction_domain::{Timestamp, UserId};
use std::future::Future;
use std::num::NonZeroU32;
use uuid::Uuid;

/// Accounts and API keys, for operators.
pub trait AccountAdmin: Send + Sync {
    /// Returns the account with this e-mail address, compared without case; `None` if there is none.
    fn find(
        &self,
        email: &str,
    ) -> impl Future<Output = Result<Option<(UserId, Profile)>, Unavailable>> + Send;

    /// Sets the role of a user. Returns whether the user has an account.
    fn grant(&self, user: UserId, role: Role) -> impl Future<Output = Result<bool, Unavailable>> + Send;

    /// Stores an API key. Returns false, and stores nothing, if a key of this name exists or ever existed.
    fn create_key(
        &self,
        hash: TokenHash,
        key: &ApiKey,
    ) -> impl Future<Output = Result<bool, Unavailable>> + Send;

    /// Returns all API keys, revoked ones as well, the oldest first.
    fn keys(&self) -> impl Future<Output = Result<Vec<ApiKey>, Unavailable>> + Send;

    /// Revokes an API key. Returns its hash; `None` if there is no key of this name.
    fn revoke_key(
        &self,
        name: &str,
        now: Timestamp,
    ) -> impl Future<Output = Result<Option<TokenHash>, Unavailable>> + Send;
}

/// API key: the credential of a program, without the secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKey {
    /// Id of the key ([`TokenHash::id`]), under which events record what it did as an operator.
    pub id: Uuid,
    /// Unique name, which operators choose.
    pub name: String,
    /// Highest role that the program may act in.
    pub role: Role,
    /// Rate limit of the key, in requests per second; `None`: the limit of users applies.
    pub per_second: Option<NonZeroU32>,
    /// When the key was created.
    pub created_at: Timestamp,
    /// When the key expires; `None`: never.
    pub expires_at: Option<Timestamp>,
    /// When the key was revoked.
    pub revoked_at: Option<Timestamp>,
}
