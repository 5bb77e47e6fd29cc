//! Lock that allows one owner per data directory.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process;

use rustix::fs::{FlockOperation, flock};

use crate::ServersError;

/// Lock of a data directory. The kernel releases it when the process ends.
#[derive(Debug)]
pub(crate) struct OwnerLock {
    file: File,
}

impl OwnerLock {
    /// Takes the lock and writes the pid of this process into the file. Fails with the pid of the present
    /// owner.
    pub(crate) fn take(data_dir: &Path) -> Result<OwnerLock, ServersError> {
        let path = data_dir.join("owner.lock");
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false).mode(0o600);
        let mut file = options.open(&path).map_err(ServersError::file("open", &path))?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => {
                return Err(ServersError::InUse { path: data_dir.to_owned(), pid: written_pid(&mut file) });
            }
            Err(errno) => return Err(ServersError::file("lock", &path)(errno.into())),
        }
        write_pid(&mut file).map_err(ServersError::file("write", &path))?;
        Ok(OwnerLock { file })
    }
}

impl Drop for OwnerLock {
    fn drop(&mut self) {
        // Closing the file is not enough: a child process that another thread is forking may inherit it.
        let _ = flock(&self.file, FlockOperation::Unlock);
    }
}

fn write_pid(file: &mut File) -> std::io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    writeln!(file, "{}", process::id())
}

fn written_pid(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    file.read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}
