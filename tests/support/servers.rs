//! The backends of a test.

use super::{output_text, portal};
use auction_local_servers::{LocalServerOptions, LocalServers};
use redis::aio::MultiplexedConnection;
use std::ops::{Deref, DerefMut};
use std::path::Path;
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
