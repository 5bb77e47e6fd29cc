//! Connections to Redis, with a check of the server at each of them.

use crate::ownership::Ownership;
use crate::{durability, unavailable};
use auction_app::ports::Unavailable;
use auction_durability::Durability;
use futures_util::future::BoxFuture;
use redis::{Client, Pipeline, Value, pipe};
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};
use stream_worker::value::{member, ok, text};
use stream_worker::{Connect, ConnectionEnd, DedicatedConnection, Socket, StreamError};
use worker_runtime::ConnectionCutoff;

/// Longest time to wait for a reply about the server itself.
const INFO_DEADLINE: Duration = Duration::from_secs(5);

/// Redis server. Every new connection checks that the server is the one to use: a primary, and the Redis of
/// this portal. Connections of [`RedisServer::connect`] also check whether it keeps acknowledged writes.
#[derive(Clone, Debug)]
pub struct RedisServer {
    client: Client,
    sockets: Option<SocketFactory>,
    checks: ServerChecks,
    /// Set when a connection ended because the server is not the one to use.
    cutoff: ConnectionCutoff,
}

/// Requirements that new connections check.
#[derive(Clone, Debug, Default)]
struct ServerChecks {
    /// Set for components: the server must be a primary, and durable.
    durability: Option<Durability>,
    /// Set when the id of the portal is known.
    ownership: Option<Ownership>,
}

/// Returns a server without checks, for tools that only read and for tests.
impl From<Client> for RedisServer {
    fn from(client: Client) -> RedisServer {
        let (checks, cutoff) = (ServerChecks::default(), ConnectionCutoff::default());
        RedisServer { client, sockets: None, checks, cutoff }
    }
}

impl RedisServer {
    /// Returns a server that every new connection checks: it must be a primary and durable.
    pub fn checked(client: Client, durability: Durability) -> RedisServer {
        let checks = ServerChecks { durability: Some(durability), ownership: None };
        RedisServer { checks, ..client.into() }
    }

    /// Also checks on every new connection that Redis belongs to this portal.
    pub fn owned(self, ownership: Ownership) -> RedisServer {
        RedisServer { checks: ServerChecks { ownership: Some(ownership), ..self.checks }, ..self }
    }

    /// Opens dedicated connections over these sockets, to a model of Redis in simulations.
    pub fn with_sockets(self, sockets: SocketFactory) -> RedisServer {
        RedisServer { sockets: Some(sockets), ..self }
    }

    /// Returns the client, for connections without checks: those that are used together with a checked
    /// connection.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Opens a dedicated connection and checks the server. A reply that takes longer than `deadline` is an
    /// error.
    pub async fn connect(&self, deadline: Duration) -> Result<DedicatedConnection, Unavailable> {
        let mut connection = DedicatedConnection::open(self, deadline).await.map_err(unavailable)?;
        if let Some(durability) = &self.checks.durability {
            let findings = durability::check(&mut connection).await.map_err(unavailable)?;
            durability.check(findings).map_err(|violation| Unavailable::new("redis", violation))?;
        }
        if let Some(ownership) = &self.checks.ownership {
            ownership.claim(&mut connection).await.map_err(unavailable)?;
        }
        Ok(connection)
    }

    /// Returns how many clients the server allows; none if it does not disclose that.
    pub async fn max_clients(&self) -> Result<Option<u64>, Unavailable> {
        let mut connection = self.connect(INFO_DEADLINE).await?;
        let replies = connection.send(pipe().cmd("INFO").arg("clients")).await.map_err(unavailable)?;
        Ok(replies.first().and_then(text).and_then(max_clients))
    }

    /// Returns an error if a connection that was opened at this time must not be used any more, because
    /// another connection has found since that the server is not the one to use.
    pub(crate) fn check_current(&self, opened: Instant) -> Result<(), Unavailable> {
        if self.cutoff.excludes(opened) {
            return Err(Unavailable::new(
                "redis",
                "another connection found that this server is not the one to use: connecting again",
            ));
        }
        Ok(())
    }

    pub(crate) fn cutoff(&self) -> &ConnectionCutoff {
        &self.cutoff
    }

    /// Excludes all open connections if the error shows that the server is not the one to use.
    pub(crate) fn note(&self, error: &StreamError) {
        if error.ends_connection() == Some(ConnectionEnd::WrongServer) {
            self.cutoff.exclude_all();
        }
    }

    /// Returns the commands whose replies [`RedisServer::check_identity`] checks. They only read, so that a
    /// Redis whose memory or disk is full can be used for reads.
    pub(crate) fn identity(&self) -> Pipeline {
        let mut commands = pipe();
        if self.checks.durability.is_some() {
            // The one command that names the role and that every user is permitted to send.
            commands.cmd("HELLO");
        }
        if self.checks.ownership.is_some() {
            commands.add_command(Ownership::read());
        }
        commands
    }

    /// Checks that the server is a primary and belongs to this portal.
    pub(crate) fn check_identity(&self, replies: &[Value]) -> Result<(), StreamError> {
        let mut replies = replies.iter();
        if self.checks.durability.is_some() {
            replies.next().map_or(Ok(()), check_role)?;
        }
        match (&self.checks.ownership, replies.next()) {
            (Some(ownership), Some(owner)) => ownership.check(&ok(owner.clone())?),
            _ => Ok(()),
        }
    }
}

/// Returns the limit of `maxclients` in the reply of `INFO clients`.
fn max_clients(info: &str) -> Option<u64> {
    info.lines().find_map(|line| line.strip_prefix("maxclients:")?.trim_end().parse().ok())
}

/// Refuses a replica. A server that does not name its role, such as a proxy, is accepted.
fn check_role(hello: &Value) -> Result<(), StreamError> {
    match member(hello, "role").and_then(text) {
        Some("replica" | "slave") => Err(StreamError::Refused(
            "the server is a replica: waiting until it is the primary, or its address leads to the primary"
                .to_owned(),
        )),
        _ => Ok(()),
    }
}

impl Connect for RedisServer {
    async fn connect(&self) -> Result<Box<dyn Socket>, StreamError> {
        match &self.sockets {
            Some(sockets) => (sockets.0)().await,
            None => self.client.connect().await,
        }
    }

    fn handshake(&self) -> Pipeline {
        if self.sockets.is_some() {
            return pipe();
        }
        let mut handshake = self.client.handshake();
        for command in self.identity().cmd_iter() {
            handshake.add_command(command.clone());
        }
        handshake
    }

    fn check_handshake(&self, replies: &[Value]) -> Result<(), StreamError> {
        let sign_in = self.client.handshake().cmd_iter().count().min(replies.len());
        self.client.check_handshake(&replies[..sign_in])?;
        self.check_identity(&replies[sign_in..])
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
