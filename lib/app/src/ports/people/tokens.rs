//! Session tokens and API keys.

use crate::ports::Unavailable;
use crate::ports::people::{TokenHash, TokenIdentity};
use auction_domain::{Timestamp, UserId};
use std::future::Future;

/// Looks up session tokens and API keys.
pub trait TokenStore: Send + Sync {
    /// Returns the identities of those of these tokens that are valid at `now`: sessions of existing users,
    /// and API keys that are not revoked or expired.
    fn find(
        &self,
        tokens: &[TokenHash],
        now: Timestamp,
    ) -> impl Future<Output = Result<Vec<(TokenHash, TokenIdentity)>, Unavailable>> + Send;
}

/// Announces revoked tokens to all ingress processes.
pub trait Revocations: Send + Sync {
    /// Publishes revocations, at most once: a process that misses one finds out when it revalidates the
    /// token.
    fn publish(&self, revoked: &[Revocation]) -> impl Future<Output = Result<(), Unavailable>> + Send;
}

/// Tokens that are not valid any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Revocation {
    /// One session token or API key.
    Token(TokenHash),
    /// All tokens of a user.
    User(UserId),
}
