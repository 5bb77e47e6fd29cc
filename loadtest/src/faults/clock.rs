//! A clock that can be wrong: each process has one of its own.
//!
//! The kernel gives processes no wall clock of their own (`unshare --time` is about the monotonic one), and a setting of
//! the portal for it would be there for a test alone. So a few lines of C are preloaded, which add to what the system
//! says; the C compiler that a build needs anyway makes them.

use crate::Failure;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Command;

const SOURCE: &str = include_str!("clock.c");

/// The library that is preloaded.
pub(crate) struct Clocks {
    library: PathBuf,
}

impl Clocks {
    /// Compiles it; says why that is not possible.
    pub(crate) fn compile(directory: &Path) -> Result<Clocks, Failure> {
        let (source, library) = (directory.join("clock.c"), directory.join("clock.so"));
        std::fs::write(&source, SOURCE)?;
        let mut cc = Command::new("cc");
        cc.args(["-shared", "-fPIC", "-O1", "-o"]).arg(&library).arg(&source);
        let compiled = cc.output().map_err(|error| format!("cc: {error}"))?;
        if !compiled.status.success() {
            return Err(format!("cc: {}", String::from_utf8_lossy(&compiled.stderr)).into());
        }
        Ok(Clocks { library })
    }

    /// A clock that is right for now.
    pub(crate) fn clock(&self, file: PathBuf) -> Result<Clock, Failure> {
        std::fs::write(&file, 0_i64.to_ne_bytes())?;
        Ok(Clock { library: self.library.clone(), file })
    }
}

/// The clock of one process.
pub(crate) struct Clock {
    library: PathBuf,
    file: PathBuf,
}

impl Clock {
    /// Has a process use it.
    pub(crate) fn of(&self, command: &mut Command) {
        command.env("LD_PRELOAD", &self.library).env("WRONG_CLOCK", &self.file);
    }

    /// From now on it is wrong by so many seconds.
    pub(crate) fn wrong_by(&self, seconds: i64) -> Result<(), Failure> {
        Ok(File::options().write(true).open(&self.file)?.write_all_at(&seconds.to_ne_bytes(), 0)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{SystemTime, UNIX_EPOCH};

    fn seconds(clock: &Clock) -> i64 {
        let mut date = Command::new("date");
        clock.of(date.arg("+%s"));
        String::from_utf8(date.output().unwrap().stdout).unwrap().trim().parse().unwrap()
    }

    #[test]
    fn a_clock_is_wrong_by_as_much_as_it_was_told() {
        let directory = tempfile::tempdir().unwrap();
        let clock = Clocks::compile(directory.path()).unwrap().clock(directory.path().join("one")).unwrap();
        let now = || i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()).unwrap();
        assert!((seconds(&clock) - now()).abs() <= 1);
        clock.wrong_by(-600).unwrap();
        assert!((seconds(&clock) - now() + 600).abs() <= 1);
    }
}
