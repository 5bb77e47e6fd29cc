//! The backends of a test.

use super::{eventually, free_address, output_text, portal};
use auction_local_servers::{LocalServerOptions, LocalServers};
use auction_testkit::base_backup;
use redis::aio::MultiplexedConnection;
use std::ops::{Deref, DerefMut};
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// A Redis and a Postgres of their own, and a directory for files. Dropping it kills both and deletes all data.
pub struct TestServers {
    servers: LocalServers,
    directory: TempDir,
}

impl TestServers {
    pub async fn start() -> TestServers {
        TestServers::with_postgres_settings(&[]).await
    }

    pub async fn with_postgres_settings(settings: &[&str]) -> TestServers {
        let directory = tempfile::tempdir().unwrap();
        let mut options = LocalServerOptions::new(directory.path().join("data"));
        options.postgres_settings = settings.iter().map(|setting| (*setting).to_owned()).collect();
        TestServers { servers: LocalServers::start(options).await.unwrap(), directory }
    }

    /// Returns the directory of the test; the servers use `data` in it.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    pub async fn redis(&self) -> MultiplexedConnection {
        let client = redis::Client::open(self.redis_url()).unwrap();
        client.get_multiplexed_async_connection().await.unwrap()
    }

    pub async fn database(&self) -> tokio_postgres::Client {
        super::database(self.database_url()).await
    }

    /// Returns a `portal` command that uses these servers.
    pub fn portal(&self, args: &[&str]) -> Command {
        let mut command = portal();
        command.args(args).env("REDIS_URL", self.redis_url()).env("DATABASE_URL", self.database_url());
        command
    }

    /// Returns the directory of the Postgres cluster.
    pub fn cluster(&self) -> PathBuf {
        self.data_dir().join("postgres/cluster")
    }

    /// Takes a base backup of the running cluster at this URL, as an operator would, and gives it the owner of the
    /// cluster.
    pub async fn base_backup(&self, database_url: &str, backup: &Path, options: &[&str]) {
        let taken = base_backup::take(&self.psql(), database_url, backup, &self.cluster(), options).await;
        assert_eq!(taken, Ok(()));
    }

    /// Starts servers that replicate these: a Redis replica, and a Postgres standby, which reaches its primary at
    /// this TCP address.
    pub async fn start_standby(&self, database_url: &str) -> TestServers {
        let mut standby = TestServers::start().await;
        standby.kill_postgres().await;
        std::fs::remove_dir_all(standby.cluster()).unwrap();
        self.base_backup(database_url, &standby.cluster(), &["--write-recovery-conf"]).await;
        standby.start_postgres().await.unwrap();
        let (primary, streaming) =
            (self.database().await, "SELECT FROM pg_stat_replication WHERE state = 'streaming'");
        eventually("the standby is connected", || async {
            (!primary.query(streaming, &[]).await.unwrap().is_empty()).then_some(())
        })
        .await;
        let (primary_port, standby_port) = (self.open_redis_port().await, standby.open_redis_port().await);
        standby.run_redis(&["REPLICAOF", "127.0.0.1", &primary_port]).await;
        eventually("the replica is connected", || async {
            let replication = self.redis_info("replication").await;
            replication.contains(&format!("port={standby_port},state=online")).then_some(())
        })
        .await;
        standby
    }

    /// Opens a TCP port of Redis, for replication, and returns it.
    pub async fn open_redis_port(&self) -> String {
        let port = free_address().rsplit_once(':').unwrap().1.to_owned();
        self.run_redis(&["CONFIG", "SET", "port", &port]).await;
        port
    }

    /// Sends a command to Redis on a connection of its own.
    pub async fn run_redis(&self, command: &[&str]) -> redis::Value {
        let mut send = redis::cmd(command[0]);
        send.arg(&command[1..]).query_async(&mut self.redis().await).await.unwrap()
    }

    /// Returns a section of `INFO`.
    pub async fn redis_info(&self, section: &str) -> String {
        redis::cmd("INFO").arg(section).query_async(&mut self.redis().await).await.unwrap()
    }

    /// Runs SQL statements as the owner of the database, also if it is read-only.
    pub async fn run_sql(&self, statements: &str) {
        let database = self.database().await;
        database.batch_execute("SET default_transaction_read_only = off").await.unwrap();
        database.batch_execute(statements).await.unwrap();
    }

    /// Asserts that `portal verify` finds no difference between store, streams and read models.
    pub fn verify(&self) {
        let output = self.portal(&["verify"]).output().unwrap();
        assert!(output.status.success(), "{}", output_text(&output));
    }
}

impl Deref for TestServers {
    type Target = LocalServers;

    fn deref(&self) -> &LocalServers {
        &self.servers
    }
}

impl DerefMut for TestServers {
    fn deref_mut(&mut self) -> &mut LocalServers {
        &mut self.servers
    }
}
