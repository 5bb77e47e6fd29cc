//! What a power cut of the machine of Redis needs: its clock, and how much of its data is on disk.

use crate::Failure;
use crate::faults::clock::{Clock, ClockLibrary};
use crate::faults::flushes::Flushes;
use crate::faults::preload::of_server;
use std::path::{Path, PathBuf};

/// Clock and flushes of the Redis of a run.
#[derive(Debug)]
pub(crate) struct RedisMachine {
    pub(crate) clock: Clock,
    pub(crate) flushes: Flushes,
    /// Directory of the append-only file.
    pub(crate) append_only_dir: PathBuf,
}

impl RedisMachine {
    /// Prepares a Redis that is not started yet, with this directory. Returns its environment.
    pub(crate) fn prepare(redis_dir: &Path) -> Result<(RedisMachine, Vec<(String, String)>), Failure> {
        std::fs::create_dir_all(redis_dir)?;
        let clock = ClockLibrary::compile(redis_dir)?.clock(redis_dir.join("clock"))?;
        let (flushes, [library, notes]) = Flushes::compile(redis_dir)?;
        let environment = of_server(&["clock.so", library], &[("WRONG_CLOCK", "clock"), ("FLUSHES", notes)]);
        let append_only_dir = redis_dir.join("data/appendonlydir");
        Ok((RedisMachine { clock, flushes, append_only_dir }, environment))
    }
}
