//! Errors, each with a hint what to do about it.

use std::io;
use std::path::PathBuf;

/// Reasons the local servers could not be started, kept running or stopped.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServersError {
    /// A file or directory could not be created, read or changed.
    #[error("cannot {action} {}: {source}", path.display())]
    File { action: &'static str, path: PathBuf, source: io::Error },
    /// The path of the data directory cannot be used.
    #[error("the data directory {} cannot be used: {problem}; choose another one", path.display())]
    DataDir { path: PathBuf, problem: &'static str },
    /// Another process runs servers in this data directory.
    #[error(
        "the data directory {} is already in use by {}; stop that process first, or choose another directory",
        path.display(), owner(*pid)
    )]
    InUse {
        path: PathBuf,
        /// Process that uses it, if known.
        pid: Option<u32>,
    },
    /// The data belongs to another user.
    #[error("{} belongs to user id {uid}; start as that user or as root, or give it to yourself with chown -R", path.display())]
    NotOwned { path: PathBuf, uid: u32 },
    /// A program is not installed.
    #[error(
        "{program} is not installed (looked in {looked_in}); install it, on Debian with: apt-get install {package}"
    )]
    NotInstalled { program: &'static str, looked_in: &'static str, package: &'static str },
    /// The database was created by a version of Postgres that is not installed.
    #[error(
        "the database in {} was created by PostgreSQL {wanted}, which is not installed; \
         install it, on Debian with: apt-get install postgresql-{wanted}",
        path.display()
    )]
    PostgresVersion {
        path: PathBuf,
        /// Version that created it.
        wanted: String,
    },
    /// No user exists that the server could run as.
    #[error(
        "Postgres refuses to run as root, and no user {names} exists to run it as; add one, or start as another user"
    )]
    NoUser {
        /// Users that were looked for.
        names: String,
    },
    /// A program could not be started.
    #[error("cannot start {server}: {source}")]
    Spawn { server: &'static str, source: io::Error },
    /// A server exited before it answered.
    #[error("{server} exited during its start ({exit}); its log {} ends with:\n{tail}", log.display())]
    ExitedAtStart {
        server: &'static str,
        exit: String,
        log: PathBuf,
        /// Last lines of the log.
        tail: String,
    },
    /// A server did not answer within the deadline.
    #[error(
        "{server} did not answer within {seconds} s ({last}); if it is still recovering, start again; its log {} ends with:\n{tail}",
        log.display()
    )]
    NotReady {
        server: &'static str,
        seconds: u64,
        last: String,
        log: PathBuf,
        /// Last lines of the log.
        tail: String,
    },
    /// A running server exited by itself.
    #[error("{server} exited unexpectedly ({exit}); start again to recover; its log {} ends with:\n{tail}", log.display())]
    Exited {
        server: &'static str,
        exit: String,
        log: PathBuf,
        /// Last lines of the log.
        tail: String,
    },
    /// A server did not stop within the deadline and was killed.
    #[error(
        "{server} did not stop within {seconds} s and was killed; no acknowledged write is lost, and the next start recovers"
    )]
    Killed { server: &'static str, seconds: u64 },
    /// A server of an earlier start cannot be stopped.
    #[error("a {server} process of an earlier start still uses {} and does not exit (pids: {pids}); stop it by hand", path.display())]
    StaleProcesses {
        server: &'static str,
        path: PathBuf,
        /// Processes, as far as they are visible.
        pids: String,
    },
    /// Postgres runs, but the database could not be created.
    #[error("cannot {action}: {}", reported(.source))]
    Database { action: &'static str, source: tokio_postgres::Error },
}

impl ServersError {
    /// Returns a converter for `map_err` of a file operation.
    pub(crate) fn file(
        action: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(io::Error) -> ServersError {
        let path = path.into();
        move |source| ServersError::File { action, path, source }
    }
}

fn owner(pid: Option<u32>) -> String {
    pid.map_or_else(|| "another process".to_owned(), |pid| format!("pid {pid}"))
}

/// Returns the text of an error of Postgres; tokio-postgres displays it as `db error`.
pub(crate) fn reported(error: &tokio_postgres::Error) -> String {
    error.as_db_error().map_or_else(|| error.to_string(), ToString::to_string)
}
