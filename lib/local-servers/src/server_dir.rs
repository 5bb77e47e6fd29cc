//! The directory of a server: its files, its owner, and starting a program in it.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt, fchown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::process::Signal;

use crate::run_as::RunAs;
use crate::{ServersError, find};

/// Path of a server's directory as the server sees it: descriptor 9.
pub(crate) const SERVER_DIR: &str = "/proc/self/fd/9";
/// Number of that descriptor, for inspection from another process.
pub(crate) const SERVER_DIR_FD: u32 = 9;
/// Shell script: moves the directory from standard input to descriptor 9 and runs its arguments.
const PASS_SERVER_DIR: &str = "exec 9<&0 </dev/null; exec \"$@\"";

/// Kind of server: its name and how to stop it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ServerKind {
    /// Name in log and error messages.
    pub(crate) name: &'static str,
    /// Signal for a graceful shutdown.
    pub(crate) drain: Signal,
    /// Name of that signal. The kernel sends it when the owner dies.
    pub(crate) drain_name: &'static str,
    /// File in the server's directory that contains its pid.
    pub(crate) pid_file: &'static str,
    /// Signal for an immediate end. Acknowledged writes are kept.
    pub(crate) crash: Signal,
}

/// Directory of a server.
#[derive(Debug, Clone)]
pub(crate) struct ServerDir {
    pub(crate) kind: ServerKind,
    pub(crate) path: PathBuf,
    pub(crate) log: PathBuf,
    pub(crate) start_deadline: Duration,
    pub(crate) stop_deadline: Duration,
    pub(crate) run_as: RunAs,
}

/// Creates the data directory if it does not exist. Returns its absolute path, without symbolic links.
pub(crate) fn create_data_dir(path: &Path) -> Result<PathBuf, ServersError> {
    let unusable = |problem| ServersError::DataDir { path: path.to_owned(), problem };
    let mut builder = DirBuilder::new();
    builder
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(ServersError::file("create the data directory", path))?;
    let path = path.canonicalize().map_err(ServersError::file("find", path))?;
    if path.to_str().is_none() {
        return Err(unusable("its path is not UTF-8"));
    }
    Ok(path)
}

impl ServerDir {
    /// Creates the directory `name` below `data_dir`, which only the user of the server can enter.
    pub(crate) fn create(
        data_dir: &Path,
        name: &str,
        kind: ServerKind,
        run_as: RunAs,
        options: &crate::LocalServerOptions,
    ) -> Result<ServerDir, ServersError> {
        let server_dir = ServerDir {
            kind,
            path: data_dir.join(name),
            log: data_dir.join(format!("{name}.log")),
            start_deadline: options.start_deadline,
            stop_deadline: options.stop_deadline,
            run_as,
        };
        server_dir.create_dir(&server_dir.path)?;
        Ok(server_dir)
    }

    /// Creates a directory of the server if it does not exist, and sets its owner and permissions.
    pub(crate) fn create_dir(&self, path: &Path) -> Result<(), ServersError> {
        match DirBuilder::new().mode(0o700).create(path) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => {
                Err(ServersError::file("create", path)(error))
            }
            _ => {
                self.run_as.own(path)?;
                fs::set_permissions(path, Permissions::from_mode(0o700))
                    .map_err(ServersError::file("set the permissions of", path))
            }
        }
    }

    /// Returns the pid in the server's pid file. Another process may have that pid meanwhile.
    pub(crate) fn written_pid(&self) -> Option<i32> {
        let text = fs::read_to_string(self.path.join(self.kind.pid_file)).ok()?;
        text.lines().next()?.trim().parse().ok()
    }

    /// Writes a file that belongs to the user of the server.
    pub(crate) fn write_file(&self, name: &str, content: &str) -> Result<(), ServersError> {
        let path = self.path.join(name);
        let write = || -> io::Result<()> {
            remove_if_there(fs::remove_file(&path))?;
            let mut options = OpenOptions::new();
            let mut file = options.write(true).create_new(true).mode(0o600).open(&path)?;
            file.write_all(content.as_bytes())?;
            if let RunAs::User { uid, gid } = self.run_as {
                fchown(&file, Some(uid), Some(gid))?;
            }
            Ok(())
        };
        write().map_err(ServersError::file("write", &path))
    }

    /// Returns the command that runs `program` with this directory on descriptor 9. The program receives the
    /// shutdown signal when the thread that spawned it ends.
    ///
    /// `claim` is this directory, opened and locked. The server inherits it, and so keeps the lock.
    pub(crate) fn command(
        &self,
        claim: File,
        program: &Path,
        args: &[String],
    ) -> Result<Command, ServersError> {
        let log = OpenOptions::new().append(true).create(true).mode(0o600).open(&self.log);
        let log = log.map_err(ServersError::file("open", &self.log))?;
        let errors = log.try_clone().map_err(ServersError::file("open", &self.log))?;
        let mut command = Command::new("/bin/sh");
        command.args(["-c", PASS_SERVER_DIR, "sh"]).arg(find::setpriv()?);
        // setpriv sets the signal after it has switched the user, since switching would clear it.
        command.args(["--pdeathsig", self.kind.drain_name]);
        command.args(self.run_as.setpriv_args()).args(["--no-new-privs", "--"]);
        command.arg(program).args(args);
        // Postgres must be able to return to the directory in which it was started.
        command.current_dir("/").env("LC_ALL", "C");
        command.stdin(Stdio::from(claim)).stdout(log).stderr(errors);
        // With an own process group, a Ctrl-C in the terminal reaches only the owner, which stops the
        // servers.
        command.process_group(0);
        Ok(command)
    }
}

/// Treats a missing file as removed.
pub(crate) fn remove_if_there(removed: io::Result<()>) -> io::Result<()> {
    match removed {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}
