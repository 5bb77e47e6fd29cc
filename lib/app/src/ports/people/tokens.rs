//! Session tokens and API keys.

use crate::ports::Unavailable;
use crate::ports::people::{TokenHash, TokenIdentity};
use async_trait::async_trait;
use auction_domain::{Timestamp, UserId};

/// Looks up session tokens and API keys.
#[async_trait]
pub trait TokenStore: Send + Sync {
    /// Returns the identities of those of these tokens that are valid at `now`: sessions of existing users,
    /// and API keys that are not revoked or expired.
    async fn find(
        &self,
        tokens: &[TokenHash],
        now: Timestamp,
    ) -> Result<Vec<(TokenHash, TokenIdentity)>, Unavailable>;
}

/// Announces revoked tokens to all ingress processes.
#[async_trait]
pub trait Revocations: Send + Sync {
    /// Publishes revocations, at most once: a process that misses one finds out when it revalidates the
    /// token.
    async fn publish(&self, revoked: &[Revocation]) -> Result<(), Unavailable>;
}

/// Tokens that are not valid any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Revocation {
    /// One session token or API key.
    Token(TokenHash),
    /// All tokens of a user.
    User(UserId),
}
