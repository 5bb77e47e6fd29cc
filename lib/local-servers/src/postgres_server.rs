//! The Postgres server: one cluster with the database `auction`, on a Unix socket only.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use rustix::process::Signal;
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, Config, NoTls};

use crate::address::{shell_quoted, url_escaped};
use crate::error::reported;
use crate::process::ServerProcess;
use crate::run_as::RunAs;
use crate::server_dir::{SERVER_DIR, ServerDir, ServerKind, remove_if_there};
use crate::{LocalServerOptions, ServersError, find, stale_processes};

// SIGINT requests a fast shutdown: Postgres ends the sessions and writes a checkpoint. SIGQUIT requests an
// immediate shutdown without a checkpoint.
const KIND: ServerKind = ServerKind {
    name: "Postgres",
    drain: Signal::INT,
    drain_name: "INT",
    pid_file: "cluster/postmaster.pid",
    crash: Signal::QUIT,
};
/// Name of the database and of its owner.
const AUCTION: &str = "auction";
/// Not a TCP port: a part of the socket's file name.
const PORT: u16 = 5432;

/// Settings on the command line, which override the configuration file.
const SETTINGS: &[&str] = &[
    "listen_addresses=",
    "unix_socket_permissions=0700",
    "fsync=on",
    "full_page_writes=on",
    "synchronous_commit=on",
    "shared_buffers=128MB",
    "max_connections=400",
    "max_wal_size=1GB",
    "timezone=UTC",
    "log_timezone=UTC",
    "log_destination=stderr",
    "logging_collector=off",
    "cluster_name=auction",
];

/// Postgres server of a data directory, running or not.
#[derive(Debug)]
pub(crate) struct PostgresServer {
    server_dir: ServerDir,
    bin_dir: PathBuf,
    settings: Vec<String>,
    socket_dir: PathBuf,
    url: String,
}

impl PostgresServer {
    /// Prepares a start. [`PostgresServer::start`] creates the cluster.
    pub(crate) fn prepare(
        data_dir: &Path,
        sockets: &Path,
        options: &LocalServerOptions,
    ) -> Result<PostgresServer, ServersError> {
        let run_as = RunAs::first_of(&["postgres", "nobody"])?;
        let server_dir = ServerDir::create(data_dir, "postgres", KIND, run_as, options)?;
        let bin_dir = find::postgres_bin_dir(&server_dir.path.join("cluster"))?;
        let socket_dir = sockets.join("postgres");
        let url = format!(
            "postgresql:///{AUCTION}?host={}&user={AUCTION}",
            url_escaped(&socket_dir.to_string_lossy())
        );
        Ok(PostgresServer {
            server_dir,
            bin_dir,
            settings: options.postgres_settings.clone(),
            socket_dir,
            url,
        })
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    pub(crate) fn cli(&self) -> String {
        let client = find::client(&["psql"], &self.bin_dir);
        let host = self.socket_dir.to_string_lossy();
        format!("{} -h {} -U {AUCTION} {AUCTION}", shell_quoted(&client), shell_quoted(&host))
    }

    /// Starts the server and waits until it answers. Creates the cluster and the database if they do not
    /// exist.
    pub(crate) async fn start(&self) -> Result<ServerProcess, ServersError> {
        let claim = stale_processes::stop_stale(&self.server_dir).await?;
        if !self.server_dir.path.join("cluster").exists() {
            self.create_cluster(&claim).await?;
        }
        self.remove_stale_locks()?;
        let mut args =
            vec!["-D".to_owned(), format!("{SERVER_DIR}/cluster"), "-p".to_owned(), PORT.to_string()];
        let settings = SETTINGS.iter().map(|setting| (*setting).to_owned());
        // Of repeated settings, the last value applies.
        for setting in settings
            .chain(self.settings.iter().cloned())
            .chain([format!("unix_socket_directories={SERVER_DIR}")])
        {
            args.extend(["-c".to_owned(), setting]);
        }
        let command = self.server_dir.command(claim, &self.bin_dir.join("postgres"), &args)?;
        let process = ServerProcess::spawn(&self.server_dir, command).await?;
        let client = process.ready(async || self.connect().await).await?;
        create_database(client.map_err(database_error("connect to Postgres"))?).await?;
        Ok(process)
    }

    /// Runs `initdb`. The cluster has a temporary name until it is complete.
    async fn create_cluster(&self, claim: &File) -> Result<(), ServersError> {
        let unfinished = self.server_dir.path.join("cluster.unfinished");
        remove_if_there(fs::remove_dir_all(&unfinished))
            .map_err(ServersError::file("remove", &unfinished))?;
        let server_dir = ServerDir { kind: ServerKind { name: "initdb", ..KIND }, ..self.server_dir.clone() };
        let args = [
            "-D".to_owned(),
            format!("{SERVER_DIR}/cluster.unfinished"),
            format!("--username={AUCTION}"),
            // Only the owner can enter the directory of the socket, and there is no other listener.
            "--auth-local=trust".to_owned(),
            "--auth-host=reject".to_owned(),
            "--locale=C".to_owned(),
            "--encoding=UTF8".to_owned(),
            "--data-checksums".to_owned(),
            "--no-instructions".to_owned(),
        ];
        let claim = claim.try_clone().map_err(ServersError::file("open", &server_dir.path))?;
        let process = ServerProcess::spawn(
            &server_dir,
            server_dir.command(claim, &self.bin_dir.join("initdb"), &args)?,
        )
        .await?;
        let ended = process.ended().await;
        if !ended.clean {
            let (server, log, tail) = (server_dir.kind.name, server_dir.log.clone(), process.log_tail());
            return Err(ServersError::ExitedAtStart { server, exit: ended.how, log, tail });
        }
        fs::rename(&unfinished, self.server_dir.path.join("cluster"))
            .and_then(|()| File::open(&self.server_dir.path)?.sync_all())
            .map_err(ServersError::file("rename", &unfinished))
    }

    /// Removes lock files of an earlier Postgres: if another process has its pid meanwhile, Postgres would
    /// refuse to start. The claim on the directory guarantees that no Postgres started by this crate still
    /// runs. The lock files of a Postgres that was started by hand are kept, so this start fails.
    fn remove_stale_locks(&self) -> Result<(), ServersError> {
        let cluster = self.server_dir.path.join("cluster");
        let lock = cluster.join("postmaster.pid");
        let pid = self.server_dir.written_pid();
        if pid.is_some_and(|pid| fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|cwd| cwd == cluster)) {
            return Ok(());
        }
        for path in [lock, self.server_dir.path.join(format!(".s.PGSQL.{PORT}.lock"))] {
            remove_if_there(fs::remove_file(&path)).map_err(ServersError::file("remove", &path))?;
        }
        Ok(())
    }

    /// Connects. The outer error means that Postgres is not ready yet.
    async fn connect(&self) -> Result<Result<Client, tokio_postgres::Error>, String> {
        let mut config = Config::new();
        config.host_path(&self.socket_dir).port(PORT).user(AUCTION).dbname("postgres");
        match config.connect(NoTls).await {
            Ok((client, connection)) => {
                tokio::spawn(connection);
                Ok(Ok(client))
            }
            Err(error) => match error.code() {
                None | Some(&SqlState::CANNOT_CONNECT_NOW) => Err(reported(&error)),
                Some(_) => Ok(Err(error)),
            },
        }
    }
}

async fn create_database(client: Client) -> Result<(), ServersError> {
    let found = client.query_opt("SELECT 1 FROM pg_database WHERE datname = $1", &[&AUCTION]).await;
    if found.map_err(database_error("check for the database"))?.is_none() {
        let created = client.batch_execute(&format!("CREATE DATABASE {AUCTION}")).await;
        created.map_err(database_error("create the database"))?;
    }
    Ok(())
}

fn database_error(action: &'static str) -> impl FnOnce(tokio_postgres::Error) -> ServersError {
    move |source| ServersError::Database { action, source }
}
