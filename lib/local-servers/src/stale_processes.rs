//! Claiming a server's home, and ending what an earlier owner left in it.
//!
//! The claim is a lock on the home's open directory, which the server inherits on descriptor 9. So the
//! lock is held exactly as long as the server or any child of it lives, from before its program is even
//! loaded: whoever gets it knows that nothing else works on these files.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::Path;
use std::time::Duration;

use rustix::fs::{FlockOperation, flock};
use rustix::process::{Pid, Signal, kill_process};
use tokio::time::{Instant, sleep};

use crate::ServersError;
use crate::server_dir::{HOME, HOME_FD, ServerDir};

const LOOK_AGAIN: Duration = Duration::from_millis(20);
const KILLED_DEADLINE: Duration = Duration::from_secs(10);

/// Takes the claim on `home`; servers that still hold it are drained first, and killed when they
/// overrun the stop deadline.
pub(crate) async fn stop_stale(home: &ServerDir) -> Result<File, ServersError> {
    let dir = File::open(&home.dir).map_err(ServersError::file("open", &home.dir))?;
    let name = home.kind.name;
    let mut told = HashSet::new();
    let drained_by = Instant::now() + home.stop_deadline;
    while !locked(&dir, &home.dir)? {
        let holders = holders(home);
        for holder in leaders(&holders).filter(|holder| told.insert(holder.pid)) {
            tracing::warn!(
                pid = holder.pid.as_raw_nonzero(),
                "shutting down a {name} left over from an earlier start"
            );
            let _ = kill_process(holder.pid, home.kind.drain);
        }
        if Instant::now() > drained_by {
            return claim_by_force(home, dir).await;
        }
        sleep(LOOK_AGAIN).await;
    }
    Ok(dir)
}

async fn claim_by_force(home: &ServerDir, dir: File) -> Result<File, ServersError> {
    let killed_by = Instant::now() + KILLED_DEADLINE;
    while !locked(&dir, &home.dir)? {
        let holders = holders(home);
        for holder in &holders {
            let _ = kill_process(holder.pid, Signal::KILL);
        }
        if Instant::now() > killed_by {
            let pids: Vec<String> = holders.iter().map(|holder| holder.pid.to_string()).collect();
            return Err(ServersError::Orphans {
                server: home.kind.name,
                path: home.dir.clone(),
                pids: if pids.is_empty() { "none can be seen".to_owned() } else { pids.join(", ") },
            });
        }
        sleep(LOOK_AGAIN).await;
    }
    Ok(dir)
}

fn locked(dir: &File, path: &Path) -> Result<bool, ServersError> {
    match flock(dir, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(true),
        Err(rustix::io::Errno::WOULDBLOCK) => Ok(false),
        Err(errno) => Err(ServersError::file("lock", path)(errno.into())),
    }
}

/// A process that holds the claim.
struct Holder {
    pid: Pid,
    parent: Option<i32>,
}

/// The processes, other than this one, that hold the claim on `home`.
fn holders(home: &ServerDir) -> Vec<Holder> {
    let written = home.written_pid();
    let found = fs::read_dir("/proc").into_iter().flatten().flatten().filter_map(|entry| {
        let number: i32 = entry.file_name().to_str()?.parse().ok()?;
        let pid = Pid::from_raw(number).filter(|pid| *pid != rustix::process::getpid())?;
        let process = entry.path();
        holds(home, &process, written == Some(number)).then(|| Holder { pid, parent: parent(&process) })
    });
    found.collect()
}

/// Whether descriptor 9 of `process` is the home, with the lock on it. Where we may not see that, as root
/// in a container may not, the one that the pid file names and that has our command line.
fn holds(home: &ServerDir, process: &Path, is_written: bool) -> bool {
    match fs::read_link(process.join(format!("fd/{HOME_FD}"))) {
        Ok(target) => {
            let info = fs::read_to_string(process.join(format!("fdinfo/{HOME_FD}")));
            target == home.dir && info.is_ok_and(|info| info.contains("FLOCK"))
        }
        Err(error) if error.kind() == ErrorKind::PermissionDenied && is_written => {
            fs::read(process.join("cmdline")).is_ok_and(|line| String::from_utf8_lossy(&line).contains(HOME))
        }
        Err(_) => false,
    }
}

/// The holders that are nobody's child among the holders: the servers themselves.
fn leaders(holders: &[Holder]) -> impl Iterator<Item = &Holder> {
    let is_holder = |pid: i32| holders.iter().any(|holder| holder.pid.as_raw_nonzero().get() == pid);
    holders.iter().filter(move |holder| !holder.parent.is_some_and(is_holder))
}

/// The parent in `/proc/PID/stat`: `PID (a name with anything in it) STATE PARENT …`.
fn parent(process: &Path) -> Option<i32> {
    let stat = fs::read_to_string(process.join("stat")).ok()?;
    stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()
}
