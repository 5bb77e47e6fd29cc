//! Claims the directory of a server, and stops servers that an earlier owner left running.
//!
//! The claim is a lock on the open directory, which the server inherits on descriptor 9. The lock is held
//! while the server or a child of it lives, and already before the program is loaded. So a process that gets
//! the lock knows that no server works on these files.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::Path;
use std::time::Duration;

use rustix::fs::{FlockOperation, flock};
use rustix::process::{Pid, Signal, kill_process};
use tokio::time::{Instant, sleep};

use crate::ServersError;
use crate::server_dir::{SERVER_DIR, SERVER_DIR_FD, ServerDir};

const POLL_INTERVAL: Duration = Duration::from_millis(20);
const KILL_DEADLINE: Duration = Duration::from_secs(10);

/// Takes the claim on a directory. Servers that still hold it are shut down first, and killed after the stop
/// deadline.
pub(crate) async fn stop_stale(server_dir: &ServerDir) -> Result<File, ServersError> {
    let dir = File::open(&server_dir.path).map_err(ServersError::file("open", &server_dir.path))?;
    let name = server_dir.kind.name;
    let mut signalled = HashSet::new();
    let stop_by = Instant::now() + server_dir.stop_deadline;
    while !locked(&dir, &server_dir.path)? {
        let holders = holders(server_dir);
        for holder in leaders(&holders).filter(|holder| signalled.insert(holder.pid)) {
            let pid = holder.pid.as_raw_nonzero();
            tracing::warn!(server = name, pid, "shutting down a server of an earlier start");
            let _ = kill_process(holder.pid, server_dir.kind.drain);
        }
        if Instant::now() > stop_by {
            return claim_by_force(server_dir, dir).await;
        }
        sleep(POLL_INTERVAL).await;
    }
    Ok(dir)
}

async fn claim_by_force(server_dir: &ServerDir, dir: File) -> Result<File, ServersError> {
    let kill_by = Instant::now() + KILL_DEADLINE;
    while !locked(&dir, &server_dir.path)? {
        let holders = holders(server_dir);
        for holder in &holders {
            let _ = kill_process(holder.pid, Signal::KILL);
        }
        if Instant::now() > kill_by {
            let pids: Vec<String> = holders.iter().map(|holder| holder.pid.to_string()).collect();
            return Err(ServersError::StaleProcesses {
                server: server_dir.kind.name,
                path: server_dir.path.clone(),
                pids: if pids.is_empty() { "none visible".to_owned() } else { pids.join(", ") },
            });
        }
        sleep(POLL_INTERVAL).await;
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

/// Process that holds the claim.
struct Holder {
    pid: Pid,
    parent: Option<i32>,
}

/// Returns the processes, other than this one, that hold the claim.
fn holders(server_dir: &ServerDir) -> Vec<Holder> {
    let written = server_dir.written_pid();
    let found = fs::read_dir("/proc").into_iter().flatten().flatten().filter_map(|entry| {
        let number: i32 = entry.file_name().to_str()?.parse().ok()?;
        let pid = Pid::from_raw(number).filter(|pid| *pid != rustix::process::getpid())?;
        let process = entry.path();
        holds(server_dir, &process, written == Some(number)).then(|| Holder { pid, parent: parent(&process) })
    });
    found.collect()
}

/// Returns whether descriptor 9 of `process` is the directory, with the lock on it. Root in a container may
/// not have permission to see that: then the pid file and the command line decide.
fn holds(server_dir: &ServerDir, process: &Path, is_written: bool) -> bool {
    match fs::read_link(process.join(format!("fd/{SERVER_DIR_FD}"))) {
        Ok(target) => {
            let info = fs::read_to_string(process.join(format!("fdinfo/{SERVER_DIR_FD}")));
            target == server_dir.path && info.is_ok_and(|info| info.contains("FLOCK"))
        }
        Err(error) if error.kind() == ErrorKind::PermissionDenied && is_written => {
            fs::read(process.join("cmdline"))
                .is_ok_and(|line| String::from_utf8_lossy(&line).contains(SERVER_DIR))
        }
        Err(_) => false,
    }
}

/// Returns the holders whose parent is no holder: the servers themselves.
fn leaders(holders: &[Holder]) -> impl Iterator<Item = &Holder> {
    let is_holder = |pid: i32| holders.iter().any(|holder| holder.pid.as_raw_nonzero().get() == pid);
    holders.iter().filter(move |holder| !holder.parent.is_some_and(is_holder))
}

/// Reads the parent from `/proc/PID/stat`: `PID (NAME) STATE PARENT …`, where NAME can contain any
/// characters.
fn parent(process: &Path) -> Option<i32> {
    let stat = fs::read_to_string(process.join("stat")).ok()?;
    stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()
}
