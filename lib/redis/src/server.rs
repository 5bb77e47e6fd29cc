//! How Redis is connected to.

use crate::{durability, unavailable};
use auction_app::durability::Durability;
use auction_app::ports::Unavailable;
use redis::Client;
use std::time::Duration;
use stream_worker::DedicatedConnection;

/// One Redis. Connections on which anything is written or waited for are opened here, so that each of them
/// first asks the server whether it keeps what it acknowledges.
#[derive(Clone, Debug)]
pub struct RedisServer {
    client: Client,
    durability: Option<Durability>,
}

/// Not asked: for tools that look, and for tests.
impl From<Client> for RedisServer {
    fn from(client: Client) -> RedisServer {
        RedisServer { client, durability: None }
    }
}

impl RedisServer {
    /// Every new connection is judged.
    pub fn checked(client: Client, durability: Durability) -> RedisServer {
        RedisServer { client, durability: Some(durability) }
    }

    /// For connections that are not asked: those that only take what one of ours has been asked beside.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// A connection of one owner. An answer that takes longer than `deadline` is an error.
    pub async fn connect(&self, deadline: Duration) -> Result<DedicatedConnection, Unavailable> {
        let mut connection = DedicatedConnection::open(&self.client, deadline).await.map_err(unavailable)?;
        if let Some(durability) = &self.durability {
            let findings = durability::ask(&mut connection).await.map_err(unavailable)?;
            durability.judge(findings).map_err(|too_weak| Unavailable::new("redis", too_weak))?;
        }
        Ok(connection)
    }
}
