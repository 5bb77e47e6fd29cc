//! How Redis is connected to.

use crate::{durability, unavailable};
use auction_app::ports::Unavailable;
use auction_app::ports::durability::Durability;
use futures_util::future::BoxFuture;
use redis::{Client, Pipeline, pipe};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use stream_worker::{Connect, DedicatedConnection, Socket, StreamError};

/// One Redis. Connections on which anything is written or waited for are opened here, so that each of them
/// first asks the server whether it keeps what it acknowledges.
#[derive(Clone, Debug)]
pub struct RedisServer {
    client: Client,
    sockets: Option<SocketFactory>,
    durability: Option<Durability>,
}

/// Not asked: for tools that look, and for tests.
impl From<Client> for RedisServer {
    fn from(client: Client) -> RedisServer {
        RedisServer { client, sockets: None, durability: None }
    }
}

impl RedisServer {
    /// Every new connection is judged.
    pub fn durability_checked(client: Client, durability: Durability) -> RedisServer {
        RedisServer { client, sockets: None, durability: Some(durability) }
    }

    /// Lanes, feeds and views are written and read over these sockets instead: those of a Redis that is only modelled.
    pub fn with_sockets(self, sockets: SocketFactory) -> RedisServer {
        RedisServer { sockets: Some(sockets), ..self }
    }

    /// For connections that are not asked: those that only take what one of ours has been asked beside.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// A connection of one owner. An answer that takes longer than `deadline` is an error.
    pub async fn connect(&self, deadline: Duration) -> Result<DedicatedConnection, Unavailable> {
        let mut connection = DedicatedConnection::open(self, deadline).await.map_err(unavailable)?;
        if let Some(durability) = &self.durability {
            let findings = durability::ask(&mut connection).await.map_err(unavailable)?;
            durability.check(findings).map_err(|too_weak| Unavailable::new("redis", too_weak))?;
        }
        Ok(connection)
    }
}

impl Connect for RedisServer {
    async fn connect(&self) -> Result<Box<dyn Socket>, StreamError> {
        match &self.sockets {
            Some(sockets) => (sockets.0)().await,
            None => self.client.connect().await,
        }
    }

    fn greeting(&self) -> Pipeline {
        if self.sockets.is_some() { pipe() } else { self.client.greeting() }
    }
}

/// A socket that is being opened.
type Opening = BoxFuture<'static, Result<Box<dyn Socket>, StreamError>>;

/// Opens sockets.
#[derive(Clone)]
pub struct SocketFactory(Arc<dyn Fn() -> Opening + Send + Sync>);

impl SocketFactory {
    /// By this function.
    pub fn new(open: impl Fn() -> Opening + Send + Sync + 'static) -> SocketFactory {
        SocketFactory(Arc::new(open))
    }
}

impl fmt::Debug for SocketFactory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sockets")
    }
}
