//! Small file systems in memory for the data of the servers, which can be filled. Mounting requires root.

use crate::Failure;
use rustix::fs::statvfs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Enough for a run of 1,000 faults: five million notifications filled 3 GiB.
const SIZE: u64 = 8 << 30;

/// Space left on a full disk: one or two writes still succeed.
const FREE_WHEN_FULL: u64 = 64 << 10;

/// A mounted file system; unmounted when dropped.
pub(crate) struct Disk {
    at: PathBuf,
}

impl Disk {
    /// Mounts a file system.
    pub(crate) fn mount(at: PathBuf) -> Result<Disk, Failure> {
        std::fs::create_dir_all(&at)?;
        mount(&["-t", "tmpfs", "-o", &format!("size={SIZE},mode=0700"), "tmpfs"], &at)?;
        Ok(Disk { at })
    }

    /// Fills the disk by reducing its size.
    pub(crate) fn fill(&self) -> Result<(), Failure> {
        let mut free = FREE_WHEN_FULL;
        loop {
            let now = statvfs(&self.at)?;
            let used = (now.f_blocks - now.f_bfree) * now.f_frsize;
            match self.size(used + free) {
                // Data was written since the size was read.
                Err(_) if free < SIZE => free *= 2,
                filled => return filled,
            }
        }
    }

    /// Restores the size of the disk.
    pub(crate) fn free(&self) -> Result<(), Failure> {
        self.size(SIZE)
    }

    fn size(&self, size: u64) -> Result<(), Failure> {
        mount(&["-o", &format!("remount,size={size}"), "tmpfs"], &self.at)
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Lazily: processes that still use the file system keep it until they exit.
        let _ = Command::new("umount").arg("-l").arg(&self.at).status();
    }
}

fn mount(arguments: &[&str], at: &Path) -> Result<(), Failure> {
    let mounted = Command::new("mount").args(arguments).arg(at).output()?;
    if mounted.status.success() {
        return Ok(());
    }
    Err(format!("mount {}: {}", arguments.join(" "), String::from_utf8_lossy(&mounted.stderr).trim()).into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::sync::atomic::{AtomicBool, Ordering};

    #[test]
    fn disk_can_be_filled_while_a_process_writes() {
        let directory = tempfile::tempdir().unwrap();
        let at = directory.path().join("disk");
        // Mounting requires root.
        let Ok(disk) = Disk::mount(at.clone()) else { return };
        let stop = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let mut file = std::fs::File::create(at.join("log")).unwrap();
                while !stop.load(Ordering::Relaxed) {
                    // Errors are expected while the disk is full.
                    let _ = file.write_all(&[0; 256 << 10]);
                }
            });
            for _ in 0..30 {
                disk.free().unwrap();
                disk.fill().unwrap();
            }
            stop.store(true, Ordering::Relaxed);
        });
    }
}
