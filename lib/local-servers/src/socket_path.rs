//! A short way to the sockets of a deep data directory.
//!
//! The path of a Unix socket has at most 107 bytes, and Postgres clients take a comma in it for the end of
//! a host's name. The servers themselves bind through
//! `/proc/self/fd/9`, which is short; clients of such a directory go through a symbolic link kept in a
//! directory that only we can enter.

use std::env;
use std::fs::{self, DirBuilder, File};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, symlink};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};

use crate::ServersError;

/// The longest path a Unix socket can have.
const SOCKET_PATH_MAX: usize = 107;
/// The longest path below the data directory that a client connects to.
const LONGEST_SOCKET: &str = "/postgres/.s.PGSQL.5432";

/// The path through which clients reach the data directory: itself, or a short link to it.
#[derive(Debug)]
pub(crate) struct SocketDir {
    path: PathBuf,
    alias: Option<Alias>,
}

/// A private directory with the link; locked so that cleaners of temporary files leave it alone.
#[derive(Debug)]
struct Alias {
    dir: PathBuf,
    _kept: File,
}

impl SocketDir {
    /// The way to the sockets below `data_dir`, which is absolute.
    pub(crate) fn of(data_dir: &Path) -> Result<SocketDir, ServersError> {
        let short = data_dir.as_os_str().len() + LONGEST_SOCKET.len() <= SOCKET_PATH_MAX;
        if short && !data_dir.as_os_str().as_encoded_bytes().contains(&b',') {
            return Ok(SocketDir { path: data_dir.to_owned(), alias: None });
        }
        let uid = rustix::process::geteuid();
        let base = if uid.is_root() {
            Some(PathBuf::from("/run"))
        } else {
            env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from)
        };
        let mut hasher = DefaultHasher::new();
        data_dir.hash(&mut hasher);
        let name = format!("auction-{}-{:016x}", uid.as_raw(), hasher.finish());
        let usable = |base: &PathBuf| {
            base.is_absolute()
                && base.as_os_str().len() < 40
                && !base.as_os_str().as_encoded_bytes().contains(&b',')
        };
        if let Some(root) = base.filter(usable).and_then(|base| link(&base.join(&name), data_dir).ok()) {
            return Ok(root);
        }
        link(&Path::new("/tmp").join(&name), data_dir)
    }

    /// The path to put before `/redis/…` and `/postgres/…`.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for SocketDir {
    fn drop(&mut self) {
        if let Some(alias) = &self.alias {
            let _ = fs::remove_file(&self.path);
            let _ = fs::remove_dir(&alias.dir);
        }
    }
}

fn link(dir: &Path, data_dir: &Path) -> Result<SocketDir, ServersError> {
    if let Err(error) = DirBuilder::new().mode(0o700).create(dir) {
        let found = fs::symlink_metadata(dir).map_err(|_| ServersError::file("make", dir)(error))?;
        let ours =
            found.is_dir() && found.uid() == rustix::process::geteuid().as_raw() && found.mode() & 0o077 == 0;
        if !ours {
            return Err(ServersError::NotOwned { path: dir.to_owned(), uid: found.uid() });
        }
    }
    let kept = File::open(dir).map_err(ServersError::file("open", dir))?;
    // Only a hint to cleaners: nothing breaks where it is refused.
    let _ = flock(&kept, FlockOperation::NonBlockingLockShared);
    let path = dir.join("d");
    let _ = fs::remove_file(&path);
    symlink(data_dir, &path).map_err(ServersError::file("link", &path))?;
    Ok(SocketDir { path, alias: Some(Alias { dir: dir.to_owned(), _kept: kept }) })
}
