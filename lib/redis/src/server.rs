//! Connections to Redis, with a check of its durability.

use crate::{durability, unavailable};
use auction_app::ports::Unavailable;
use auction_durability::Durability;
use futures_util::future::BoxFuture;
use redis::{Client, Pipeline, pipe};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use stream_worker::value::text;
use stream_worker::{Connect, DedicatedConnection, Socket, StreamError};

/// Longest time to wait for a reply about the server itself.
const INFO_DEADLINE: Duration = Duration::from_secs(5);

/// Redis server. Every connection that writes or blocks is opened with [`RedisServer::connect`], which checks
/// first whether the server keeps acknowledged writes.
#[derive(Clone, Debug)]
pub struct RedisServer {
    client: Client,
    sockets: Option<SocketFactory>,
    durability: Option<Durability>,
}

/// Returns a server without the durability check, for tools that only read and for tests.
impl From<Client> for RedisServer {
    fn from(client: Client) -> RedisServer {
        RedisServer { client, sockets: None, durability: None }
    }
}

impl RedisServer {
    /// Returns a server whose durability is checked on every new connection.
    pub fn durability_checked(client: Client, durability: Durability) -> RedisServer {
        RedisServer { client, sockets: None, durability: Some(durability) }
    }

    /// Opens dedicated connections over these sockets, to a model of Redis in simulations.
    pub fn with_sockets(self, sockets: SocketFactory) -> RedisServer {
        RedisServer { sockets: Some(sockets), ..self }
    }

    /// Returns the client, for connections without the durability check: those that are used together with a
    /// checked connection.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Opens a dedicated connection and checks durability. A reply that takes longer than `deadline` is an
    /// error.
    pub async fn connect(&self, deadline: Duration) -> Result<DedicatedConnection, Unavailable> {
        let mut connection = DedicatedConnection::open(self, deadline).await.map_err(unavailable)?;
        if let Some(durability) = &self.durability {
            let findings = durability::check(&mut connection).await.map_err(unavailable)?;
            durability.check(findings).map_err(|violation| Unavailable::new("redis", violation))?;
        }
        Ok(connection)
    }

    /// Returns how many clients the server allows; none if it does not disclose that.
    pub async fn max_clients(&self) -> Result<Option<u64>, Unavailable> {
        let mut connection = self.connect(INFO_DEADLINE).await?;
        let replies = connection.send(pipe().cmd("INFO").arg("clients")).await.map_err(unavailable)?;
        Ok(replies.first().and_then(text).and_then(max_clients))
    }
}

/// Returns the limit of `maxclients` in the reply of `INFO clients`.
fn max_clients(info: &str) -> Option<u64> {
    info.lines().find_map(|line| line.strip_prefix("maxclients:")?.trim_end().parse().ok())
}

impl Connect for RedisServer {
    async fn connect(&self) -> Result<Box<dyn Socket>, StreamError> {
        match &self.sockets {
            Some(sockets) => (sockets.0)().await,
            None => self.client.connect().await,
        }
    }

    fn handshake(&self) -> Pipeline {
        if self.sockets.is_some() { pipe() } else { self.client.handshake() }
    }
}

/// Future of a socket.
type SocketFuture = BoxFuture<'static, Result<Box<dyn Socket>, StreamError>>;

/// Function that opens sockets.
#[derive(Clone)]
pub struct SocketFactory(Arc<dyn Fn() -> SocketFuture + Send + Sync>);

impl SocketFactory {
    pub fn new(open: impl Fn() -> SocketFuture + Send + Sync + 'static) -> SocketFactory {
        SocketFactory(Arc::new(open))
    }
}

impl fmt::Debug for SocketFactory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SocketFactory")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limit_of_clients_is_read_from_info() {
        assert_eq!(max_clients("# Clients\r\nconnected_clients:1\r\nmaxclients:10000\r\n"), Some(10_000));
        assert_eq!(max_clients("# Clients\r\nconnected_clients:1\r\n"), None);
    }
}
