//! A running server process. A thread of its own spawns it and waits for it.
//!
//! The kernel sends the parent-death signal when the *thread* that spawned the server ends. So that thread
//! must live as long as the server.

use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom};
use std::path::PathBuf;
use std::process::{Child, Command};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, kill_process_group, waitid};
use tokio::sync::{oneshot, watch};

use crate::ServersError;
use crate::server_dir::{ServerDir, ServerKind};

const TAIL_LINES: usize = 20;
const TAIL_BYTES: u64 = 16 * 1024;
const PROBE_INTERVAL: Duration = Duration::from_millis(20);
const CRASH_DEADLINE: Duration = Duration::from_secs(5);

/// How a process ended.
#[derive(Debug, Clone)]
pub(crate) struct Ended {
    pub(crate) clean: bool,
    pub(crate) how: String,
}

/// Running server. Dropping it ends the server at once.
#[derive(Debug)]
pub(crate) struct ServerProcess {
    kind: ServerKind,
    pid: Pid,
    child: Arc<Mutex<Child>>,
    ended: watch::Receiver<Option<Ended>>,
    log: PathBuf,
    log_start: u64,
    start_deadline: Duration,
    stop_deadline: Duration,
}

impl ServerProcess {
    /// Runs a command of [`ServerDir::command`].
    pub(crate) async fn spawn(
        server_dir: &ServerDir,
        command: Command,
    ) -> Result<ServerProcess, ServersError> {
        let server = server_dir.kind.name;
        let failed = |source| ServersError::Spawn { server, source };
        let log_start = fs::metadata(&server_dir.log).map_or(0, |meta| meta.len());
        let (spawned, is_spawned) = oneshot::channel();
        let (ended, is_ended) = watch::channel(None);
        let waiter = thread::Builder::new().name(format!("{server} waiter"));
        waiter.spawn(move || spawn_and_wait(command, spawned, &ended)).map_err(failed)?;
        let thread_ended = || failed(std::io::Error::other("the waiter thread ended"));
        let (pid, child) = is_spawned.await.map_err(|_| thread_ended())?.map_err(failed)?;
        Ok(ServerProcess {
            kind: server_dir.kind,
            pid,
            child,
            ended: is_ended,
            log: server_dir.log.clone(),
            log_start,
            start_deadline: server_dir.start_deadline,
            stop_deadline: server_dir.stop_deadline,
        })
    }

    /// Calls `probe` until it succeeds. Its error is the reason why the server is not ready yet.
    pub(crate) async fn ready<T, P>(&self, mut probe: P) -> Result<T, ServersError>
    where
        P: AsyncFnMut() -> Result<T, String>,
    {
        let mut last = "no answer".to_owned();
        let answered = async {
            loop {
                match probe().await {
                    Ok(answer) => return answer,
                    Err(not_yet) => last = not_yet,
                }
                tokio::time::sleep(PROBE_INTERVAL).await;
            }
        };
        let outcome = tokio::select! {
            answer = tokio::time::timeout(self.start_deadline, answered) => answer.ok(),
            ended = self.ended() => {
                let (server, log, tail) = (self.kind.name, self.log.clone(), self.log_tail());
                return Err(ServersError::ExitedAtStart { server, exit: ended.how, log, tail });
            }
        };
        outcome.ok_or_else(|| ServersError::NotReady {
            server: self.kind.name,
            seconds: self.start_deadline.as_secs(),
            last,
            log: self.log.clone(),
            tail: self.log_tail(),
        })
    }

    /// Waits for the process to end.
    pub(crate) async fn ended(&self) -> Ended {
        let mut ended = self.ended.clone();
        let seen = ended.wait_for(Option::is_some).await.ok().and_then(|seen| seen.clone());
        seen.unwrap_or_else(|| Ended { clean: false, how: "unknown exit status".to_owned() })
    }

    /// Waits for the process to end, and returns the error that describes it.
    pub(crate) async fn wait_for_exit(&self) -> ServersError {
        let exit = self.ended().await.how;
        ServersError::Exited { server: self.kind.name, exit, log: self.log.clone(), tail: self.log_tail() }
    }

    pub(crate) fn is_running(&self) -> bool {
        self.ended.borrow().is_none()
    }

    /// Shuts the server down, and kills it after the deadline.
    pub(crate) async fn stop(self) -> Result<(), ServersError> {
        if !self.is_running() {
            return Ok(());
        }
        self.signal(self.kind.drain);
        match tokio::time::timeout(self.stop_deadline, self.ended()).await {
            Ok(ended) if ended.clean => Ok(()),
            Ok(ended) => {
                tracing::warn!(server = self.kind.name, exit = ended.how, "server did not stop cleanly");
                Ok(())
            }
            Err(_) => {
                let seconds = self.stop_deadline.as_secs();
                let server = self.kind.name;
                self.kill().await;
                Err(ServersError::Killed { server, seconds })
            }
        }
    }

    /// Kills the process group of the server.
    pub(crate) async fn kill(self) {
        {
            let _child = self.lock();
            if self.is_running() {
                let _ = kill_process_group(self.pid, Signal::KILL);
            }
        }
        let _ = tokio::time::timeout(CRASH_DEADLINE, self.ended()).await;
    }

    /// Returns the last lines that this process wrote to its log.
    pub(crate) fn log_tail(&self) -> String {
        let mut text = Vec::new();
        if let Ok(mut log) = File::open(&self.log) {
            let end = log.metadata().map_or(0, |meta| meta.len());
            let start = self.log_start.max(end.saturating_sub(TAIL_BYTES));
            let _ = log.seek(SeekFrom::Start(start)).and_then(|_| log.read_to_end(&mut text));
        }
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<&str> = text.lines().collect();
        lines.get(lines.len().saturating_sub(TAIL_LINES)..).unwrap_or_default().join("\n")
    }

    /// Prevents that the process is reaped, so that its pid is not reused.
    fn lock(&self) -> MutexGuard<'_, Child> {
        self.child.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn signal(&self, signal: Signal) {
        let _child = self.lock();
        if self.is_running() {
            let _ = kill_process(self.pid, signal);
        }
    }
}

impl Drop for ServerProcess {
    fn drop(&mut self) {
        self.signal(self.kind.crash);
        let deadline = Instant::now() + CRASH_DEADLINE;
        while self.is_running() {
            if Instant::now() > deadline {
                self.signal(Signal::KILL);
                return;
            }
            thread::sleep(Duration::from_millis(2));
        }
    }
}

type Spawned = std::io::Result<(Pid, Arc<Mutex<Child>>)>;

/// Spawns the process, waits for its end, and reaps it.
fn spawn_and_wait(
    mut command: Command,
    spawned: oneshot::Sender<Spawned>,
    ended: &watch::Sender<Option<Ended>>,
) {
    let child = match command.spawn() {
        Ok(child) => child,
        Err(error) => {
            let _ = spawned.send(Err(error));
            return;
        }
    };
    // Closes this process's copy of the claim: from now on, only the server holds it.
    drop(command);
    let pid = Pid::from_child(&child);
    let child = Arc::new(Mutex::new(child));
    if spawned.send(Ok((pid, Arc::clone(&child)))).is_err() {
        // The caller stopped waiting for the start.
        let _ = kill_process_group(pid, Signal::KILL);
    }
    let until_ended = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
    while matches!(waitid(WaitId::Pid(pid), until_ended), Err(rustix::io::Errno::INTR)) {}
    let mut child = child.lock().unwrap_or_else(PoisonError::into_inner);
    let end = match child.wait() {
        Ok(status) => Ended { clean: status.success(), how: status.to_string() },
        Err(error) => Ended { clean: false, how: error.to_string() },
    };
    ended.send_replace(Some(end));
}
