//! Which tokens are not good any more, told to every ingress. A message is one byte that says of what, and its bytes:
//! `t` and the hash of a token, or `u` and the id of a user.
//!
//! A message that is lost is made up for: an ingress looks tokens up again now and then, and all of them when it
//! begins to listen.

use crate::pubsub::{self, PubSubHandler};
use crate::{RedisServer, client_error, keys};
use auction_app::ingress::accounts::{TokenCache, TokenHash};
use auction_app::ports::Unavailable;
use auction_app::ports::people::tokens::{Revocation, Revocations, TokenStore};
use auction_domain::UserId;
use deadpool_redis::Pool;
use redis::pipe;
use uuid::Uuid;
use worker_runtime::health::HealthHandle;
use worker_runtime::shutdown::ShutdownSignal;

/// Tells every ingress.
#[derive(Clone)]
pub struct RedisRevocations(Pool);

impl RedisRevocations {
    /// Over a pool.
    pub fn new(pool: Pool) -> RedisRevocations {
        RedisRevocations(pool)
    }
}

impl Revocations for RedisRevocations {
    async fn publish(&self, revoked: &[Revocation]) -> Result<(), Unavailable> {
        let mut publish = pipe();
        for revoked in revoked {
            publish.cmd("PUBLISH").arg(keys::REVOKED).arg(write(*revoked)).ignore();
        }
        let mut connection = self.0.get().await.map_err(client_error)?;
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

/// Listens until it is time to stop.
pub async fn listen<T: TokenStore>(
    server: RedisServer,
    known: &TokenCache<T>,
    health: &HealthHandle,
    stop: ShutdownSignal,
) {
    pubsub::listen(&server, &[keys::REVOKED.to_owned()], known, health, stop).await;
}

impl<T: TokenStore> PubSubHandler for TokenCache<T> {
    const LOST: &'static str = "nobody says which tokens are revoked: they are looked up now and then";

    fn began(&self) {
        self.look_again();
    }

    fn hear(&self, _: &str, message: &[u8]) {
        match read(message) {
            Some(revoked) => self.revoked(revoked),
            None => self.look_again(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_revoked_is_read_as_it_was_written() {
        for revoked in [Revocation::Token(TokenHash([7; 32])), Revocation::User(UserId(Uuid::from_u128(7)))] {
            assert_eq!(read(&write(revoked)), Some(revoked));
        }
        for other in [b"".as_slice(), b"t", b"u123", b"x"] {
            assert_eq!(read(other), None);
        }
    }
}
