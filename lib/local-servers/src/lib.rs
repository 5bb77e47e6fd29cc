//! Starts Redis and Postgres servers for development and tests, in one data directory.
//!
//! [`LocalServers::start`] starts both servers and waits until they answer. Clients connect through Unix
//! sockets in directories that only their owner can enter. No port is opened, and no other local user can
//! connect. Acknowledged writes are on disk: Redis fsyncs its append-only file at every write, Postgres at
//! every commit.
//!
//! # How a directory that only root can enter works
//!
//! Postgres refuses to run as root, and the user it runs as instead may have no access to the data directory.
//! So each server receives its own sub-directory as an open file descriptor (number 9) and refers to all
//! files through `/proc/self/fd/9`. The kernel resolves that link without the permissions of the parent
//! directories. Nothing is mounted, and permissions of other directories stay as they are.
//!
//! The descriptor also carries a lock, which shows the next start whether a server of an earlier start still
//! runs. Its short name keeps socket paths under the limit of 107 bytes.
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

/// Redis setting `appendfsync`: when Redis fsyncs its append-only file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AppendFsync {
    /// Before every answer: an acknowledged write survives a power cut.
    #[default]
    Always,
    /// Once a second: an acknowledged write survives the end of the process, not a power cut.
    Everysec,
}

/// Options for starting the servers.
#[derive(Debug, Clone)]
pub struct LocalServerOptions {
    /// Directory of all files. It is created (mode 0700) if it does not exist.
    pub data_dir: PathBuf,
    pub redis_appendfsync: AppendFsync,
    /// Additional environment variables of Redis. For tests that preload libraries.
    pub redis_environment: Vec<(String, String)>,
    /// Additional Postgres settings, `name=value`, which override the defaults. For tests of unsafe settings.
    pub postgres_settings: Vec<String>,
    /// Time limit for a server to answer after its start, including crash recovery.
    pub start_deadline: Duration,
    /// Time limit for a server to stop. After it, the server is killed.
    pub stop_deadline: Duration,
}

impl LocalServerOptions {
    /// Returns the default options for servers in `data_dir`.
    pub fn new(data_dir: impl Into<PathBuf>) -> LocalServerOptions {
        LocalServerOptions {
            data_dir: data_dir.into(),
            redis_appendfsync: AppendFsync::Always,
            redis_environment: Vec::new(),
            postgres_settings: Vec::new(),
            start_deadline: Duration::from_secs(120),
            stop_deadline: Duration::from_secs(60),
        }
    }
}

/// Running Redis and Postgres servers of one data directory.
///
/// Stop them with [`stop`](LocalServers::stop). Dropping this value ends them at once, as a crash would;
/// acknowledged writes are kept. If the process that owns this value is killed, the kernel sends the servers
/// a signal to shut down, and the next start waits until they are gone.
#[derive(Debug)]
pub struct LocalServers {
    // Fields are dropped in this order: the servers before the socket directory and the lock.
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
    /// First shuts down servers that a killed owner left running. Their data is kept.
    pub async fn start(options: LocalServerOptions) -> Result<LocalServers, ServersError> {
        let data_dir = server_dir::create_data_dir(&options.data_dir)?;
        let lock = OwnerLock::take(&data_dir)?;
        let sockets = SocketDir::of(&data_dir)?;
        let redis = RedisServer::prepare(&data_dir, sockets.path(), &options)?;
        let postgres = PostgresServer::prepare(&data_dir, sockets.path(), &options)?;
        let (redis_process, postgres_process) = tokio::try_join!(redis.start(), postgres.start())?;
        tracing::debug!(data_dir = %data_dir.display(), "local Redis and Postgres started");
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

    /// Returns the data directory, as an absolute path without symbolic links.
    pub fn data_dir(&self) -> &Path {
        &self.data_dir
    }

    /// Returns the URL of Redis: `redis+unix:///…/redis.sock`.
    pub fn redis_url(&self) -> &str {
        self.redis.url()
    }

    /// Returns the URL of the database: `postgresql:///auction?host=/…&user=auction`.
    pub fn database_url(&self) -> &str {
        self.postgres.url()
    }

    /// Returns the command line that opens `redis-cli` on this Redis, quoted for a shell.
    pub fn redis_cli(&self) -> String {
        self.redis.cli()
    }

    /// Returns the command line that opens `psql` on this database, quoted for a shell.
    pub fn psql(&self) -> String {
        self.postgres.cli()
    }

    /// Waits until a server exits by itself, and returns the error that describes it. Cancel safe.
    pub async fn wait_for_exit(&mut self) -> ServersError {
        tokio::select! {
            error = wait_for_exit(self.redis_process.as_ref()) => error,
            error = wait_for_exit(self.postgres_process.as_ref()) => error,
        }
    }

    /// Shuts both servers down; the data stays. A server that exceeds the deadline is killed, which is an
    /// error but loses no acknowledged write.
    pub async fn stop(mut self) -> Result<(), ServersError> {
        let (redis, postgres) =
            tokio::join!(stop(self.redis_process.take()), stop(self.postgres_process.take()));
        redis.and(postgres)
    }

    /// Kills Redis with SIGKILL, for tests of crashes.
    pub async fn kill_redis(&mut self) {
        kill(self.redis_process.take()).await;
    }

    /// Starts Redis at the same address if it is not running. Returns whether it was started.
    pub async fn start_redis(&mut self) -> Result<bool, ServersError> {
        let was_down = !is_running(self.redis_process.as_ref());
        if was_down {
            self.redis_process = Some(self.redis.start().await?);
        }
        Ok(was_down)
    }

    /// Kills Postgres with SIGKILL to its process group, for tests of crashes.
    pub async fn kill_postgres(&mut self) {
        kill(self.postgres_process.take()).await;
    }

    /// Starts Postgres at the same address if it is not running. Returns whether it was started.
    pub async fn start_postgres(&mut self) -> Result<bool, ServersError> {
        let was_down = !is_running(self.postgres_process.as_ref());
        if was_down {
            self.postgres_process = Some(self.postgres.start().await?);
        }
        Ok(was_down)
    }
}

async fn wait_for_exit(process: Option<&ServerProcess>) -> ServersError {
    match process {
        Some(process) => process.wait_for_exit().await,
        None => std::future::pending().await,
    }
}

async fn stop(process: Option<ServerProcess>) -> Result<(), ServersError> {
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
