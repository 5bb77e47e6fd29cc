//! Announcements of revoked tokens to every ingress. A message is `t` and the hash of a token, or `u` and the
//! id of a user whose tokens are revoked.
//!
//! Messages can be lost. An ingress therefore revalidates its cached tokens periodically, and all of them
//! when a subscription is established.

use crate::pubsub::{self, PubSubHandler};
use crate::{RedisPool, RedisServer, client_error, keys};
use async_trait::async_trait;
use auction_app::ingress::accounts::TokenCache;
use auction_app::ports::Unavailable;
use auction_app::ports::people::TokenHash;
use auction_app::ports::people::tokens::{Revocation, Revocations};
use auction_domain::UserId;
use redis::pipe;
use uuid::Uuid;
use worker_runtime::Supervisor;

/// Publishes revocations to every ingress.
#[derive(Clone)]
pub struct RedisRevocations(RedisPool);

impl RedisRevocations {
    pub fn new(pool: RedisPool) -> RedisRevocations {
        RedisRevocations(pool)
    }
}

#[async_trait]
impl Revocations for RedisRevocations {
    async fn publish(&self, revoked: &[Revocation]) -> Result<(), Unavailable> {
        let mut publish = pipe();
        for revoked in revoked {
            publish.cmd("PUBLISH").arg(keys::REVOKED).arg(write(*revoked)).ignore();
        }
        let mut connection = self.0.get().await?;
        publish.query_async(&mut connection).await.map_err(client_error)
    }
}

fn write(revoked: Revocation) -> Vec<u8> {
    match revoked {
        Revocation::Token(token) => [b"t", token.0.as_slice()].concat(),
        Revocation::User(user) => [b"u", user.0.as_bytes().as_slice()].concat(),
    }
}

fn read(message: &[u8]) -> Option<Revocation> {
    match message.split_first()? {
        (b't', token) => Some(Revocation::Token(TokenHash(token.try_into().ok()?))),
        (b'u', user) => Some(Revocation::User(UserId(Uuid::from_slice(user).ok()?))),
        _ => None,
    }
}

/// Receives revocations and applies them to the token cache, until shutdown. The cache also revalidates its
/// tokens periodically.
pub async fn listen(server: RedisServer, cache: &TokenCache, supervisor: Supervisor) {
    pubsub::run(&server, &[keys::REVOKED.to_owned()], cache, supervisor).await;
}

impl PubSubHandler for TokenCache {
    fn on_subscribed(&self) {
        self.refresh_all();
    }

    fn on_message(&self, _: &str, message: &[u8]) {
        match read(message) {
            Some(revocation) => self.revoke(revocation),
            None => self.refresh_all(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn revocations_round_trip() {
        for revoked in [Revocation::Token(TokenHash([7; 32])), Revocation::User(UserId(Uuid::from_u128(7)))] {
            assert_eq!(read(&write(revoked)), Some(revoked));
        }
        for other in [b"".as_slice(), b"t", b"u123", b"x"] {
            assert_eq!(read(other), None);
        }
    }
}
