//! Disks for the servers that can be full: small file systems in memory, which only root can mount.

use crate::Failure;
use rustix::fs::statvfs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What a server of a run can need.
const SIZE: u64 = 3 << 30;

/// What is left of a full disk: a write or two still work.
const LEFT: u64 = 64 << 10;

/// A mounted disk; unmounted at the end.
pub(crate) struct Disk {
    at: PathBuf,
}

impl Disk {
    /// Mounts it; says why that is not possible.
    pub(crate) fn mount(at: PathBuf) -> Result<Disk, Failure> {
        std::fs::create_dir_all(&at)?;
        mount(&["-t", "tmpfs", "-o", &format!("size={SIZE},mode=0700"), "tmpfs"], &at)?;
        Ok(Disk { at })
    }

    /// There is no room left on it.
    pub(crate) fn fill(&self) -> Result<(), Failure> {
        let mut left = LEFT;
        loop {
            let now = statvfs(&self.at)?;
            let used = (now.f_blocks - now.f_bfree) * now.f_frsize;
            match self.size(used + left) {
                // More was written since it was looked than there should be left.
                Err(_) if left < SIZE => left *= 2,
                filled => return filled,
            }
        }
    }

    /// There is room again.
    pub(crate) fn empty(&self) -> Result<(), Failure> {
        self.size(SIZE)
    }

    fn size(&self, size: u64) -> Result<(), Failure> {
        mount(&["-o", &format!("remount,size={size}"), "tmpfs"], &self.at)
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Lazily: whoever still has it open keeps it until he ends.
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
    fn a_disk_to_which_somebody_writes_can_be_filled() {
        let directory = tempfile::tempdir().unwrap();
        let at = directory.path().join("disk");
        // Only root can have one.
        let Ok(disk) = Disk::mount(at.clone()) else { return };
        let ends = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let mut file = std::fs::File::create(at.join("log")).unwrap();
                while !ends.load(Ordering::Relaxed) {
                    // Also when there is no room.
                    let _ = file.write_all(&[0; 256 << 10]);
                }
            });
            for _ in 0..30 {
                disk.empty().unwrap();
                disk.fill().unwrap();
            }
            ends.store(true, Ordering::Relaxed);
        });
    }
}
