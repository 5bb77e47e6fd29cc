//! What tokens stand for.

use crate::ingress::accounts::{TokenHash, TokenIdentity};
use crate::ports::Unavailable;
use auction_domain::{Timestamp, UserId};
use std::future::Future;

/// Looks tokens up.
pub trait TokenStore: Send + Sync {
    /// What those of these tokens stand for that are good at that time: sessions of users who exist, and
    /// service keys that are not revoked.
    fn find(
        &self,
        tokens: &[TokenHash],
        now: Timestamp,
    ) -> impl Future<Output = Result<Vec<(TokenHash, TokenIdentity)>, Unavailable>> + Send;
}

/// Tells every ingress what is not good any more. It may get lost: whoever hears nothing looks again.
pub trait Revocations: Send + Sync {
    /// Tells them.
    fn publish(&self, revoked: &[Revocation]) -> impl Future<Output = Result<(), Unavailable>> + Send;
}

/// What is not good any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Revocation {
    /// One token.
    Token(TokenHash),
    /// All tokens of a user.
    User(UserId),
}
