//! A separate wall clock for each process, which can be set wrong.
//!
//! The kernel has no wall clock per process (`unshare --time` affects the monotonic clock only), and a
//! setting of the portal would exist for a test alone. Therefore a small C library is preloaded that adds an
//! offset to the system time.

use crate::Failure;
use crate::faults::preload::{compile, writable};
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Command;

const SOURCE: &str = include_str!("clock.c");

/// The compiled library that is preloaded.
pub(crate) struct ClockLibrary {
    library: PathBuf,
}

impl ClockLibrary {
    /// Compiles the library in a directory.
    pub(crate) fn compile(directory: &Path) -> Result<ClockLibrary, Failure> {
        let library = compile(directory, "clock", SOURCE)?;
        Ok(ClockLibrary { library })
    }

    /// Creates a clock with an offset of zero.
    pub(crate) fn clock(&self, file: PathBuf) -> Result<Clock, Failure> {
        writable(&file, &0_i64.to_ne_bytes())?;
        Ok(Clock { library: self.library.clone(), file })
    }
}

/// Clock of one process: a file that contains its offset.
#[derive(Debug)]
pub(crate) struct Clock {
    library: PathBuf,
    file: PathBuf,
}

impl Clock {
    /// Makes a process use this clock.
    pub(crate) fn apply_to(&self, command: &mut Command) {
        command.env("LD_PRELOAD", &self.library).env("WRONG_CLOCK", &self.file);
    }

    /// Sets the offset of the clock in seconds.
    pub(crate) fn set_offset(&self, seconds: i64) -> Result<(), Failure> {
        Ok(File::options().write(true).open(&self.file)?.write_all_at(&seconds.to_ne_bytes(), 0)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{SystemTime, UNIX_EPOCH};

    fn seconds(clock: &Clock) -> i64 {
        let mut date = Command::new("date");
        clock.apply_to(date.arg("+%s"));
        String::from_utf8(date.output().unwrap().stdout).unwrap().trim().parse().unwrap()
    }

    #[test]
    fn clock_is_wrong_by_the_offset() {
        let directory = tempfile::tempdir().unwrap();
        let clock =
            ClockLibrary::compile(directory.path()).unwrap().clock(directory.path().join("one")).unwrap();
        let now = || i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()).unwrap();
        assert!((seconds(&clock) - now()).abs() <= 1);
        clock.set_offset(-600).unwrap();
        assert!((seconds(&clock) - now() + 600).abs() <= 1);
    }
}
