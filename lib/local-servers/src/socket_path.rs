//! Short paths to the sockets in a deep data directory.
//!
//! The path of a Unix socket is limited to 107 bytes, and Postgres clients treat a comma in it as the end of
//! a host name. The servers bind through `/proc/self/fd/9`, which is short. Clients of a data directory with
//! a longer path or a comma connect through a symbolic link, in a directory that only the current user can
//! enter.

use std::env;
use std::fs::{self, DirBuilder, File};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, symlink};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};

use crate::ServersError;

/// Maximum length of the path of a Unix socket.
const SOCKET_PATH_MAX: usize = 107;
/// Longest path below the data directory that a client connects to.
const LONGEST_SOCKET: &str = "/postgres/.s.PGSQL.5432";

/// Path through which clients reach the data directory: the directory itself, or a short link to it.
#[derive(Debug)]
pub(crate) struct SocketDir {
    path: PathBuf,
    alias: Option<Alias>,
}

/// Private directory with the link. It is locked so that cleaners of temporary files do not remove it.
#[derive(Debug)]
struct Alias {
    dir: PathBuf,
    _locked: File,
}

impl SocketDir {
    /// Creates the link if the absolute path `data_dir` is too long or contains a comma.
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
        if let Some(socket_dir) = base.filter(usable).and_then(|base| link(&base.join(&name), data_dir).ok())
        {
            return Ok(socket_dir);
        }
        link(&Path::new("/tmp").join(&name), data_dir)
    }

    /// Returns the path to prepend to `/redis/…` and `/postgres/…`.
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
        let is_private =
            found.is_dir() && found.uid() == rustix::process::geteuid().as_raw() && found.mode() & 0o077 == 0;
        if !is_private {
            return Err(ServersError::NotOwned { path: dir.to_owned(), uid: found.uid() });
        }
    }
    let locked = File::open(dir).map_err(ServersError::file("open", dir))?;
    // The lock is only a hint to cleaners, so an error is ignored.
    let _ = flock(&locked, FlockOperation::NonBlockingLockShared);
    let path = dir.join("d");
    let _ = fs::remove_file(&path);
    symlink(data_dir, &path).map_err(ServersError::file("link", &path))?;
    Ok(SocketDir { path, alias: Some(Alias { dir: dir.to_owned(), _locked: locked }) })
}
