//! What can go wrong, each with what to do about it.

use std::io;
use std::path::PathBuf;

/// Why the private servers could not be started, kept or stopped.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServersError {
    /// A file or directory of ours could not be made, read or changed.
    #[error("cannot {action} {}: {source}", path.display())]
    File {
        /// What was tried.
        action: &'static str,
        /// Where.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The data directory's path cannot be used.
    #[error("the data directory {} cannot be used: {problem}; choose another one", path.display())]
    DataDir {
        /// The path.
        path: PathBuf,
        /// Why not.
        problem: &'static str,
    },
    /// Another process runs its servers on this data directory.
    #[error(
        "the data directory {} is already in use by {}; stop that one first, or choose another directory",
        path.display(), owner(*pid)
    )]
    InUse {
        /// The data directory.
        path: PathBuf,
        /// The process that holds it, when it is known.
        pid: Option<u32>,
    },
    /// The data belongs to somebody else.
    #[error("{} belongs to user id {uid}; start as that user or as root, or give it to yourself with chown -R", path.display())]
    NotOwned {
        /// The directory.
        path: PathBuf,
        /// Whose it is.
        uid: u32,
    },
    /// A program is not installed.
    #[error(
        "{program} is not installed (looked in {looked_in}); install it, on Debian with: apt-get install {package}"
    )]
    NotInstalled {
        /// The program.
        program: &'static str,
        /// Where it was looked for.
        looked_in: &'static str,
        /// The Debian package that has it.
        package: &'static str,
    },
    /// The database was made by a version of Postgres that is not installed.
    #[error(
        "the database in {} was made by PostgreSQL {wanted}, which is not installed; \
         install it, on Debian with: apt-get install postgresql-{wanted}",
        path.display()
    )]
    PostgresVersion {
        /// The database's directory.
        path: PathBuf,
        /// The version that made it.
        wanted: String,
    },
    /// No user to run the server as.
    #[error(
        "Postgres refuses to run as root, and there is no user {names} to run it as; add one, or start as another user"
    )]
    NoUser {
        /// The users that were looked for.
        names: String,
    },
    /// A program could not be run.
    #[error("cannot run {server}: {source}")]
    Spawn {
        /// Which.
        server: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// A server ended before it answered.
    #[error("{server} ended while it started ({how}); its log {} ends with:\n{tail}", log.display())]
    DiedAtStart {
        /// Which.
        server: &'static str,
        /// Its exit status.
        how: String,
        /// Its log file.
        log: PathBuf,
        /// The log's last lines.
        tail: String,
    },
    /// A server did not answer within the deadline.
    #[error(
        "{server} did not answer within {seconds} s ({last}); if it is still recovering, start again; its log {} ends with:\n{tail}",
        log.display()
    )]
    NotReady {
        /// Which.
        server: &'static str,
        /// The deadline.
        seconds: u64,
        /// The last answer.
        last: String,
        /// Its log file.
        log: PathBuf,
        /// The log's last lines.
        tail: String,
    },
    /// A running server ended by itself.
    #[error("{server} ended by itself ({how}); start again to recover; its log {} ends with:\n{tail}", log.display())]
    Died {
        /// Which.
        server: &'static str,
        /// Its exit status.
        how: String,
        /// Its log file.
        log: PathBuf,
        /// The log's last lines.
        tail: String,
    },
    /// A server did not drain within the deadline and was killed.
    #[error(
        "{server} did not stop within {seconds} s and was killed; nothing it acknowledged is lost, the next start recovers"
    )]
    Killed {
        /// Which.
        server: &'static str,
        /// The deadline.
        seconds: u64,
    },
    /// Servers of an earlier owner cannot be ended.
    #[error("a {server} left over from an earlier start still holds {} and does not end (pids: {pids}); end it by hand", path.display())]
    Orphans {
        /// Which.
        server: &'static str,
        /// Its directory.
        path: PathBuf,
        /// The processes, as far as they can be seen.
        pids: String,
    },
    /// Postgres runs but the database could not be made ready.
    #[error("cannot {action}: {source}")]
    Database {
        /// What was tried.
        action: &'static str,
        /// What Postgres said.
        source: tokio_postgres::Error,
    },
}

impl ServersError {
    /// For `map_err` on a file operation.
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
