//! Private Redis and Postgres servers, kept under one data directory.
//!
//! [`LocalServers::start`] starts both and waits until they answer; the addresses it gives out are
//! Unix sockets inside directories that only their owner can enter, so no port is opened and no other
//! local user can connect. What is acknowledged is on disk: Redis fsyncs its append-only file at every
//! write, Postgres at every commit.
//!
//! # How a directory that only root can enter works
//!
//! Postgres refuses to run as root, and the user it then runs as may have no way into the data
//! directory. So each server is handed its own sub-directory as an open file descriptor
//! (number 9) and finds everything through `/proc/self/fd/9`: the kernel resolves that link
//! without asking the parent directories. Nothing is mounted and no permission of a directory that is
//! not ours is changed. The same descriptor carries a lock that tells the next start whether a server of an earlier one still runs, and its short name keeps
//! socket paths under the limit of 107 bytes.
//!
//! Linux only: it needs `/proc` and `setpriv` (util-linux).

mod address;
mod error;
mod find;
mod lock;
mod postgres_server;
mod process;
mod redis_server;
mod run_as;
mod server_dir;
mod socket_path;
mod stale_processes;

use std::path::{Path, PathBuf};
use std::time::Duration;

pub use error::ServersError;
use lock::OwnerLock;
use postgres_server::PostgresServer;
use process::ServerProcess;
use redis_server::RedisServer;
use socket_path::SocketDir;

/// When Redis fsyncs its append-only file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AppendFsync {
    /// Before every answer: an acknowledged write survives a power cut.
    #[default]
    Always,
    /// Once a second: an acknowledged write survives the end of the process, not a power cut.
    Everysec,
}

/// What to start, and how long to wait for it.
#[derive(Debug, Clone)]
pub struct LocalServerOptions {
    /// The directory that holds everything; made (mode 0700) when it is not there.
    pub data_dir: PathBuf,
    /// When Redis fsyncs.
    pub redis_appendfsync: AppendFsync,
    /// Settings of Postgres, `name=value`, over ours: for tests of servers that are set up badly.
    pub postgres_settings: Vec<String>,
    /// How long a server may take until it answers, recovery after a crash included.
    pub start_deadline: Duration,
    /// How long a server may take to drain before it is killed.
    pub stop_deadline: Duration,
}

impl LocalServerOptions {
    /// The defaults, for servers under `data_dir`.
    pub fn new(data_dir: impl Into<PathBuf>) -> LocalServerOptions {
        LocalServerOptions {
            data_dir: data_dir.into(),
            redis_appendfsync: AppendFsync::Always,
            postgres_settings: Vec::new(),
            start_deadline: Duration::from_secs(120),
            stop_deadline: Duration::from_secs(60),
        }
    }
}

/// Both servers, private to one data directory.
///
/// End them with [`stop`](PrivateServers::stop). When this value is dropped instead they are ended at
/// once, as by a crash: what they acknowledged is kept. When the process that owns this value is killed,
/// the kernel tells them to shut down, and the next start waits for whatever is still there.
#[derive(Debug)]
pub struct LocalServers {
    // Dropped in this order: the servers before the socket alias and the lock.
    redis_process: Option<ServerProcess>,
    postgres_process: Option<ServerProcess>,
    redis: RedisServer,
    postgres: PostgresServer,
    data_dir: PathBuf,
    _sockets: SocketDir,
    _lock: OwnerLock,
}

impl LocalServers {
    /// Starts both servers and waits until they answer.
    ///
    /// Servers left over by an owner that was killed are shut down first; their data is kept.
    pub async fn start(options: LocalServerOptions) -> Result<LocalServers, ServersError> {
        let data_dir = server_dir::make_data_dir(&options.data_dir)?;
        let lock = OwnerLock::take(&data_dir)?;
        let sockets = SocketDir::of(&data_dir)?;
        let redis = RedisServer::prepare(&data_dir, sockets.path(), &options)?;
        let postgres = PostgresServer::prepare(&data_dir, sockets.path(), &options)?;
        let (redis_process, postgres_process) = tokio::try_join!(redis.start(), postgres.start())?;
        tracing::debug!(data_dir = %data_dir.display(), "private Redis and Postgres are up");
        Ok(LocalServers {
            redis_process: Some(redis_process),
            postgres_process: Some(postgres_process),
            redis,
            postgres,
            data_dir,
            _sockets: sockets,
            _lock: lock,
        })
    }

    /// The data directory, as an absolute path without links.
    pub fn data_dir(&self) -> &Path {
        &self.data_dir
    }

    /// The URL of Redis: `redis+unix:///…/redis.sock`.
    pub fn redis_url(&self) -> &str {
        self.redis.url()
    }

    /// The URL of the database: `postgresql:///auction?host=/…&user=auction`.
    pub fn database_url(&self) -> &str {
        self.postgres.url()
    }

    /// The command line that opens `redis-cli` on this Redis, quoted for a shell.
    pub fn redis_cli(&self) -> String {
        self.redis.cli()
    }

    /// The command line that opens `psql` on this database, quoted for a shell.
    pub fn psql(&self) -> String {
        self.postgres.cli()
    }

    /// Waits until a server ends by itself, and says which and how. Safe to drop at any point.
    pub async fn wait_for_exit(&mut self) -> ServersError {
        tokio::select! {
            error = died(self.redis_process.as_ref()) => error,
            error = died(self.postgres_process.as_ref()) => error,
        }
    }

    /// Drains and stops both servers; the data stays. One that overruns the deadline is killed, which
    /// loses nothing that it acknowledged, and reported.
    pub async fn stop(mut self) -> Result<(), ServersError> {
        let (redis, postgres) =
            tokio::join!(drain(self.redis_process.take()), drain(self.postgres_process.take()));
        redis.and(postgres)
    }

    /// Kills Redis as `kill -9` does. For tests of what happens then.
    pub async fn kill_redis(&mut self) {
        kill(self.redis_process.take()).await;
    }

    /// Starts Redis again, at the same address, when it is not running: whether it was not.
    pub async fn start_redis(&mut self) -> Result<bool, ServersError> {
        let was_away = !is_running(self.redis_process.as_ref());
        if was_away {
            self.redis_process = Some(self.redis.start().await?);
        }
        Ok(was_away)
    }

    /// Kills Postgres as `kill -9` of its main process does. For tests of what happens then.
    pub async fn kill_postgres(&mut self) {
        kill(self.postgres_process.take()).await;
    }

    /// Starts Postgres again, at the same address, when it is not running: whether it was not.
    pub async fn start_postgres(&mut self) -> Result<bool, ServersError> {
        let was_away = !is_running(self.postgres_process.as_ref());
        if was_away {
            self.postgres_process = Some(self.postgres.start().await?);
        }
        Ok(was_away)
    }
}

async fn died(process: Option<&ServerProcess>) -> ServersError {
    match process {
        Some(process) => process.wait_for_exit().await,
        None => std::future::pending().await,
    }
}

async fn drain(process: Option<ServerProcess>) -> Result<(), ServersError> {
    match process {
        Some(process) => process.stop().await,
        None => Ok(()),
    }
}

async fn kill(process: Option<ServerProcess>) {
    if let Some(process) = process {
        process.kill().await;
    }
}

fn is_running(process: Option<&ServerProcess>) -> bool {
    process.is_some_and(ServerProcess::is_running)
}
