//! Pool of connections for short requests.
//!
//! A connection that ends ([`stream_worker::connection_end`]) is replaced, and the request is sent once more.
//! So a connection that the server closed while it was idle costs no caller an error, and neither does a
//! failover once the address leads to the new primary. The pool is for requests that may be repeated: reads,
//! and writes whose second execution has no further effect, or only counts a request twice.

use crate::{RedisServer, client_error};
use auction_app::ports::Unavailable;
use deadpool_redis::{BuildError, Connection, Hook, HookError, Manager, Metrics, Pool, PoolError, Runtime};
use redis::aio::{ConnectionLike, MultiplexedConnection};
use redis::{AsyncConnectionConfig, Cmd, Pipeline, RedisError, RedisFuture, Value};
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use stream_worker::connection_end::ending_reply;
use stream_worker::{ConnectionEnd, StreamError, ends_connection};
use worker_runtime::ConnectionCutoff;

/// Default time limit for each step: waiting for a free connection, opening or checking one, and the reply.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Interval of checking that the server is still the one to use. Each time another connection is checked.
const CHECK_INTERVAL: Duration = Duration::from_secs(1);

/// Pool of connections to one Redis.
#[derive(Clone)]
pub struct RedisPool {
    connections: Pool,
    /// Shared, since each request gets a copy of the pool.
    server: Arc<RedisServer>,
    /// Set when a connection of the pool ended: the others may be broken, too.
    cutoff: ConnectionCutoff,
    checked_at: Arc<Mutex<Instant>>,
}

impl RedisPool {
    /// Returns a pool of at most `max_connections` connections, which are opened on demand.
    pub fn new(server: impl Into<RedisServer>, max_connections: usize) -> Result<RedisPool, PoolConfigError> {
        RedisPool::with_timeout(server, max_connections, TIMEOUT)
    }

    /// Returns a pool with another time limit for each step of a request.
    pub fn with_timeout(
        server: impl Into<RedisServer>,
        max_connections: usize,
        timeout: Duration,
    ) -> Result<RedisPool, PoolConfigError> {
        let (server, cutoff) = (server.into(), ConnectionCutoff::default());
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(timeout))
            .set_response_timeout(Some(timeout));
        let manager = Manager::new_with_config(server.client().get_connection_info().clone(), config)?;
        let opened = server.clone();
        let check_opened = Hook::async_fn(move |connection: &mut MultiplexedConnection, _| {
            let server = opened.clone();
            Box::pin(async move {
                let checked = check_identity(&server, connection).await;
                checked.map_err(|error| HookError::message(error.to_string()))
            })
        });
        let (of_pool, of_server) = (cutoff.clone(), server.cutoff().clone());
        let check_age = Hook::sync_fn(move |_: &mut MultiplexedConnection, metrics: &Metrics| {
            if of_pool.excludes(metrics.created) || of_server.excludes(metrics.created) {
                return Err(HookError::message("another connection has ended since"));
            }
            Ok(())
        });
        let connections = Pool::builder(manager)
            .post_create(check_opened)
            .pre_recycle(check_age)
            .max_size(max_connections)
            .wait_timeout(Some(timeout))
            .create_timeout(Some(timeout))
            .recycle_timeout(Some(timeout))
            .runtime(Runtime::Tokio1)
            .build()?;
        let checked_at = Arc::new(Mutex::new(Instant::now()));
        Ok(RedisPool { connections, server: Arc::new(server), cutoff, checked_at })
    }

    /// Returns a connection, which goes back to the pool when it is dropped.
    pub async fn get(&self) -> Result<PooledConnection, Unavailable> {
        let mut connection = self.connections.get().await.map_err(no_connection)?;
        if self.check_is_due() && check_identity(&self.server, &mut connection).await.is_err() {
            // The hook of a new connection checks its server, and returns why it is refused.
            self.ended(ConnectionEnd::Broken);
            drop(Connection::take(connection));
            connection = self.connections.get().await.map_err(no_connection)?;
        }
        Ok(PooledConnection { pool: self.clone(), connection: Some(connection) })
    }

    /// Returns true once per interval.
    fn check_is_due(&self) -> bool {
        let mut checked_at = self.checked_at.lock().unwrap_or_else(PoisonError::into_inner);
        let due = checked_at.elapsed() >= CHECK_INTERVAL;
        if due {
            *checked_at = Instant::now();
        }
        due
    }

    /// Records that a connection ended.
    fn ended(&self, end: ConnectionEnd) {
        self.cutoff.exclude_all();
        if end == ConnectionEnd::WrongServer {
            self.server.cutoff().exclude_all();
        }
    }
}

impl std::fmt::Debug for RedisPool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RedisPool").field("server", &self.server).finish_non_exhaustive()
    }
}

/// Reasons a pool cannot be created.
#[derive(Debug, thiserror::Error)]
pub enum PoolConfigError {
    #[error("the Redis address is invalid: {0}")]
    Address(#[from] RedisError),
    #[error("creating the Redis connection pool failed: {0}")]
    Pool(#[from] BuildError),
}

/// Converts the error of a pool without a usable connection.
fn no_connection(error: PoolError) -> Unavailable {
    match error {
        PoolError::Backend(error) => client_error(error),
        // The hook is the check of a new connection.
        PoolError::PostCreateHook(HookError::Message(refused)) => {
            Unavailable::new("redis", refused.into_owned())
        }
        other => client_error(other),
    }
}

/// Checks that the server of a connection is the one to use.
async fn check_identity(
    server: &RedisServer,
    connection: &mut impl ConnectionLike,
) -> Result<(), StreamError> {
    let identity = server.identity();
    let count = identity.cmd_iter().count();
    if count == 0 {
        return Ok(());
    }
    let replies = connection.req_packed_commands(&identity, 0, count).await?;
    server.check_identity(&replies).inspect_err(|error| server.note(error))
}

/// Connection of a pool. If it ends, the pool replaces it and sends the request once more.
pub struct PooledConnection {
    pool: RedisPool,
    /// Unset if the connection ended and there was no other one.
    connection: Option<Connection>,
}

impl PooledConnection {
    async fn connection(&mut self) -> Result<&mut Connection, RedisError> {
        let connection = match self.connection.take() {
            Some(connection) => connection,
            None => {
                let connection = self.pool.connections.get().await.map_err(no_connection);
                connection.map_err(|error| RedisError::from(io::Error::other(error.cause)))?
            }
        };
        Ok(self.connection.insert(connection))
    }

    /// Drops the connection if the result of a request ends it. Returns true if the request should be sent
    /// once more: a server that did not answer in time is not asked again.
    fn ends<T>(&mut self, result: &Result<T, RedisError>, error_reply: Option<RedisError>) -> bool {
        let error = match result {
            Err(error) => error.clone(),
            Ok(_) => match error_reply {
                Some(error) => error,
                None => return false,
            },
        };
        let Some(end) = ends_connection(&error) else { return false };
        // Its slot is free for the next connection.
        drop(self.connection.take().map(Connection::take));
        if error.is_timeout() {
            return false;
        }
        self.pool.ended(end);
        true
    }

    async fn send(&mut self, command: &Cmd) -> Result<Value, RedisError> {
        let mut retried = false;
        loop {
            let result = self.connection().await?.req_packed_command(command).await;
            let error_reply = result.as_ref().ok().and_then(ending_reply);
            if !self.ends(&result, error_reply) || std::mem::replace(&mut retried, true) {
                return result;
            }
        }
    }

    async fn send_all(
        &mut self,
        pipeline: &Pipeline,
        offset: usize,
        count: usize,
    ) -> Result<Vec<Value>, RedisError> {
        let mut retried = false;
        loop {
            let result = self.connection().await?.req_packed_commands(pipeline, offset, count).await;
            let error_reply = result.as_ref().ok().and_then(|replies| replies.iter().find_map(ending_reply));
            if !self.ends(&result, error_reply) || std::mem::replace(&mut retried, true) {
                return result;
            }
        }
    }
}

impl ConnectionLike for PooledConnection {
    fn req_packed_command<'a>(&'a mut self, command: &'a Cmd) -> RedisFuture<'a, Value> {
        Box::pin(self.send(command))
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        pipeline: &'a Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        Box::pin(self.send_all(pipeline, offset, count))
    }

    fn get_db(&self) -> i64 {
        self.pool.server.client().get_connection_info().redis_settings().db()
    }
}
