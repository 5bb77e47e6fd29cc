//! Postgres: one cluster with the database `auction`, on a Unix socket only.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use rustix::process::Signal;
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, Config, NoTls};

use crate::address::{shell_quoted, url_escaped};
use crate::process::ServerProcess;
use crate::run_as::RunAs;
use crate::server_dir::{HOME, ServerDir, ServerKind, remove_if_there};
use crate::{LocalServerOptions, ServersError, find, stale_processes};

// SIGINT is the fast shutdown: it ends the sessions and writes a checkpoint. SIGQUIT is the immediate one.
const KIND: ServerKind = ServerKind {
    name: "Postgres",
    drain: Signal::INT,
    drain_name: "INT",
    pid_file: "cluster/postmaster.pid",
    crash: Signal::QUIT,
};
/// The name of the database and of its owner.
const AUCTION: &str = "auction";
/// Only a name here: it is a part of the socket's file name.
const PORT: u16 = 5432;

/// Settings that hold whatever the configuration file says.
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

/// The Postgres of a data directory, running or not.
#[derive(Debug)]
pub(crate) struct PostgresServer {
    home: ServerDir,
    bin_dir: PathBuf,
    settings: Vec<String>,
    socket_dir: PathBuf,
    url: String,
}

impl PostgresServer {
    /// Makes everything ready for a start, but for the cluster.
    pub(crate) fn prepare(
        data_dir: &Path,
        sockets: &Path,
        options: &LocalServerOptions,
    ) -> Result<PostgresServer, ServersError> {
        let run_as = RunAs::first_of(&["postgres", "nobody"])?;
        let home = ServerDir::make(data_dir, "postgres", KIND, run_as, options)?;
        let bin_dir = find::postgres_bin_dir(&home.dir.join("cluster"))?;
        let socket_dir = sockets.join("postgres");
        let url = format!(
            "postgresql:///{AUCTION}?host={}&user={AUCTION}",
            url_escaped(&socket_dir.to_string_lossy())
        );
        Ok(PostgresServer { home, bin_dir, settings: options.postgres_settings.clone(), socket_dir, url })
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    pub(crate) fn cli(&self) -> String {
        let client = find::client(&["psql"], &self.bin_dir);
        let host = self.socket_dir.to_string_lossy();
        format!("{} -h {} -U {AUCTION} {AUCTION}", shell_quoted(&client), shell_quoted(&host))
    }

    /// Starts it, makes the cluster and the database if need be, and waits until it answers.
    pub(crate) async fn start(&self) -> Result<ServerProcess, ServersError> {
        let claim = stale_processes::stop_stale(&self.home).await?;
        if !self.home.dir.join("cluster").exists() {
            self.make_cluster(&claim).await?;
        }
        self.remove_stale_locks()?;
        let mut args = vec!["-D".to_owned(), format!("{HOME}/cluster"), "-p".to_owned(), PORT.to_string()];
        let settings = SETTINGS.iter().map(|setting| (*setting).to_owned());
        // The last one counts.
        for setting in
            settings.chain(self.settings.iter().cloned()).chain([format!("unix_socket_directories={HOME}")])
        {
            args.extend(["-c".to_owned(), setting]);
        }
        let command = self.home.command(claim, &self.bin_dir.join("postgres"), &args)?;
        let process = ServerProcess::spawn(&self.home, command).await?;
        let client = process.ready(async || self.connect().await).await?;
        make_database(client.map_err(database_error("connect to Postgres"))?).await?;
        Ok(process)
    }

    /// `initdb`, under another name until it is complete.
    async fn make_cluster(&self, claim: &File) -> Result<(), ServersError> {
        let unfinished = self.home.dir.join("cluster.unfinished");
        remove_if_there(fs::remove_dir_all(&unfinished))
            .map_err(ServersError::file("remove", &unfinished))?;
        let home = ServerDir { kind: ServerKind { name: "initdb", ..KIND }, ..self.home.clone() };
        let args = [
            "-D".to_owned(),
            format!("{HOME}/cluster.unfinished"),
            format!("--username={AUCTION}"),
            // The socket is in a directory that only its owner can enter; nothing else is listened on.
            "--auth-local=trust".to_owned(),
            "--auth-host=reject".to_owned(),
            "--locale=C".to_owned(),
            "--encoding=UTF8".to_owned(),
            "--data-checksums".to_owned(),
            "--no-instructions".to_owned(),
        ];
        let claim = claim.try_clone().map_err(ServersError::file("open", &home.dir))?;
        let process =
            ServerProcess::spawn(&home, home.command(claim, &self.bin_dir.join("initdb"), &args)?).await?;
        let ended = process.ended().await;
        if !ended.clean {
            let (server, log, tail) = (home.kind.name, home.log.clone(), process.log_tail());
            return Err(ServersError::DiedAtStart { server, how: ended.how, log, tail });
        }
        fs::rename(&unfinished, self.home.dir.join("cluster"))
            .and_then(|()| File::open(&self.home.dir)?.sync_all())
            .map_err(ServersError::file("rename", &unfinished))
    }

    /// Lock files with a process id that meanwhile is another process's would refuse the start. The claim
    /// on the home, which every Postgres process of ours holds, says that none of ours runs; one that
    /// somebody started by hand keeps its lock files, and so refuses ours.
    fn remove_stale_locks(&self) -> Result<(), ServersError> {
        let cluster = self.home.dir.join("cluster");
        let lock = cluster.join("postmaster.pid");
        let pid = self.home.written_pid();
        if pid.is_some_and(|pid| fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|cwd| cwd == cluster)) {
            return Ok(());
        }
        for path in [lock, self.home.dir.join(format!(".s.PGSQL.{PORT}.lock"))] {
            remove_if_there(fs::remove_file(&path)).map_err(ServersError::file("remove", &path))?;
        }
        Ok(())
    }

    /// The outer error says that Postgres is not there yet.
    async fn connect(&self) -> Result<Result<Client, tokio_postgres::Error>, String> {
        let mut config = Config::new();
        config.host_path(&self.socket_dir).port(PORT).user(AUCTION).dbname("postgres");
        match config.connect(NoTls).await {
            Ok((client, connection)) => {
                tokio::spawn(connection);
                Ok(Ok(client))
            }
            Err(error) => match error.code() {
                None | Some(&SqlState::CANNOT_CONNECT_NOW) => Err(error.to_string()),
                Some(_) => Ok(Err(error)),
            },
        }
    }
}

async fn make_database(client: Client) -> Result<(), ServersError> {
    let found = client.query_opt("SELECT 1 FROM pg_database WHERE datname = $1", &[&AUCTION]).await;
    if found.map_err(database_error("look for the database"))?.is_none() {
        let made = client.batch_execute(&format!("CREATE DATABASE {AUCTION}")).await;
        made.map_err(database_error("make the database"))?;
    }
    Ok(())
}

fn database_error(action: &'static str) -> impl FnOnce(tokio_postgres::Error) -> ServersError {
    move |source| ServersError::Database { action, source }
}
