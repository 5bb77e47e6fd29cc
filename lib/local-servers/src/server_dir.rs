//! A server's own directory: what is in it, whose it is, and how a program is started in it.

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

/// The descriptor on which a server has its home open, and its path as the server sees it.
pub(crate) const HOME: &str = "/proc/self/fd/9";
/// The same descriptor's number, for looking at it from outside.
pub(crate) const HOME_FD: u32 = 9;
/// Puts the directory that comes as standard input on descriptor 9, and runs the rest.
const ENTER_HOME: &str = "exec 9<&0 </dev/null; exec \"$@\"";

/// How a kind of server is told to end.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ServerKind {
    /// Its name in messages.
    pub(crate) name: &'static str,
    /// Finishes what is under way and ends.
    pub(crate) drain: Signal,
    /// The same by name: the kernel sends it when the owner dies.
    pub(crate) drain_name: &'static str,
    /// The file in its home that names its process.
    pub(crate) pid_file: &'static str,
    /// Ends at once, keeping what was acknowledged.
    pub(crate) crash: Signal,
}

/// A server's own directory.
#[derive(Debug, Clone)]
pub(crate) struct ServerDir {
    pub(crate) kind: ServerKind,
    pub(crate) dir: PathBuf,
    pub(crate) log: PathBuf,
    pub(crate) start_deadline: Duration,
    pub(crate) stop_deadline: Duration,
    pub(crate) run_as: RunAs,
}

/// Makes the data directory if need be; its absolute path, without links.
pub(crate) fn make_data_dir(path: &Path) -> Result<PathBuf, ServersError> {
    let unusable = |problem| ServersError::DataDir { path: path.to_owned(), problem };
    let mut builder = DirBuilder::new();
    builder
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(ServersError::file("make the data directory", path))?;
    let path = path.canonicalize().map_err(ServersError::file("find", path))?;
    if path.to_str().is_none() {
        return Err(unusable("its path is not UTF-8"));
    }
    Ok(path)
}

impl ServerDir {
    /// Makes the directory `name` below `data_dir`, entered only by the user the server runs as.
    pub(crate) fn make(
        data_dir: &Path,
        name: &str,
        kind: ServerKind,
        run_as: RunAs,
        options: &crate::LocalServerOptions,
    ) -> Result<ServerDir, ServersError> {
        let home = ServerDir {
            kind,
            dir: data_dir.join(name),
            log: data_dir.join(format!("{name}.log")),
            start_deadline: options.start_deadline,
            stop_deadline: options.stop_deadline,
            run_as,
        };
        home.make_dir(&home.dir)?;
        Ok(home)
    }

    /// Makes a directory of the server's, if need be.
    pub(crate) fn make_dir(&self, path: &Path) -> Result<(), ServersError> {
        match DirBuilder::new().mode(0o700).create(path) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => {
                Err(ServersError::file("make", path)(error))
            }
            _ => {
                self.run_as.own(path)?;
                fs::set_permissions(path, Permissions::from_mode(0o700))
                    .map_err(ServersError::file("set the permissions of", path))
            }
        }
    }

    /// The process that the server's own pid file names, be it the server or not.
    pub(crate) fn written_pid(&self) -> Option<i32> {
        let text = fs::read_to_string(self.dir.join(self.kind.pid_file)).ok()?;
        text.lines().next()?.trim().parse().ok()
    }

    /// Writes a file that the server reads.
    pub(crate) fn write_file(&self, name: &str, content: &str) -> Result<(), ServersError> {
        let path = self.dir.join(name);
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

    /// The command that runs `program` in this home, tied to the thread that spawns it.
    ///
    /// `claim` is the home itself, opened and locked: the server keeps it open on descriptor 9.
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
        command.args(["-c", ENTER_HOME, "sh"]).arg(find::setpriv()?);
        // setpriv asks for the signal after it has changed the user, which would clear it.
        command.args(["--pdeathsig", self.kind.drain_name]);
        command.args(self.run_as.setpriv_args()).args(["--no-new-privs", "--"]);
        command.arg(program).args(args);
        // Postgres must be able to go back to the directory it was started in.
        command.current_dir("/").env("LC_ALL", "C");
        command.stdin(Stdio::from(claim)).stdout(log).stderr(errors);
        // A Ctrl-C in the terminal reaches the owner alone, who drains the servers.
        command.process_group(0);
        Ok(command)
    }
}

/// Takes it as success when there is nothing to remove.
pub(crate) fn remove_if_there(removed: io::Result<()>) -> io::Result<()> {
    match removed {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}
