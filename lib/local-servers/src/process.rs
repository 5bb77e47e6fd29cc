//! A running server process: spawned and waited for by a thread of its own.
//!
//! The kernel's signal at the owner's death is really one at the death of the *thread* that spawned the
//! server, so that thread must live as long as the server: it is the one that waits for it.

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
const PROBE_AGAIN: Duration = Duration::from_millis(20);
const CRASH_DEADLINE: Duration = Duration::from_secs(5);

/// How a process ended.
#[derive(Debug, Clone)]
pub(crate) struct Ended {
    pub(crate) clean: bool,
    pub(crate) how: String,
}

/// A running server. Dropping it ends the server at once.
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
    /// Runs `command`, made by `home`.
    pub(crate) async fn spawn(home: &ServerDir, command: Command) -> Result<ServerProcess, ServersError> {
        let server = home.kind.name;
        let failed = |source| ServersError::Spawn { server, source };
        let log_start = fs::metadata(&home.log).map_or(0, |meta| meta.len());
        let (spawned, is_spawned) = oneshot::channel();
        let (ended, is_ended) = watch::channel(None);
        let keeper = thread::Builder::new().name(format!("{server} keeper"));
        keeper.spawn(move || keep(command, spawned, &ended)).map_err(failed)?;
        let gone = || failed(std::io::Error::other("its thread ended"));
        let (pid, child) = is_spawned.await.map_err(|_| gone())?.map_err(failed)?;
        Ok(ServerProcess {
            kind: home.kind,
            pid,
            child,
            ended: is_ended,
            log: home.log.clone(),
            log_start,
            start_deadline: home.start_deadline,
            stop_deadline: home.stop_deadline,
        })
    }

    /// Probes until the server answers; an `Err` of the probe says why it does not yet.
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
                tokio::time::sleep(PROBE_AGAIN).await;
            }
        };
        let outcome = tokio::select! {
            answer = tokio::time::timeout(self.start_deadline, answered) => answer.ok(),
            ended = self.ended() => {
                let (server, log, tail) = (self.kind.name, self.log.clone(), self.log_tail());
                return Err(ServersError::DiedAtStart { server, how: ended.how, log, tail });
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

    /// Waits for the process to end, and says that it should not have.
    pub(crate) async fn wait_for_exit(&self) -> ServersError {
        let how = self.ended().await.how;
        ServersError::Died { server: self.kind.name, how, log: self.log.clone(), tail: self.log_tail() }
    }

    /// Whether the process has not ended yet.
    pub(crate) fn is_running(&self) -> bool {
        self.ended.borrow().is_none()
    }

    /// Drains the server; kills it when it overruns its deadline.
    pub(crate) async fn stop(self) -> Result<(), ServersError> {
        if !self.is_running() {
            return Ok(());
        }
        self.signal(self.kind.drain);
        match tokio::time::timeout(self.stop_deadline, self.ended()).await {
            Ok(ended) if ended.clean => Ok(()),
            Ok(ended) => {
                tracing::warn!(how = ended.how, "{} did not end cleanly", self.kind.name);
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

    /// Kills the process, and what it forked into its process group.
    pub(crate) async fn kill(self) {
        {
            let _child = self.lock();
            if self.is_running() {
                let _ = kill_process_group(self.pid, Signal::KILL);
            }
        }
        let _ = tokio::time::timeout(CRASH_DEADLINE, self.ended()).await;
    }

    /// The last lines that this process wrote to its log.
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

    /// While this is held the process id stays this process's: it is not reaped.
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

/// The keeper thread: spawns the process, waits for its end, and reaps it.
fn keep(mut command: Command, spawned: oneshot::Sender<Spawned>, ended: &watch::Sender<Option<Ended>>) {
    let child = match command.spawn() {
        Ok(child) => child,
        Err(error) => {
            let _ = spawned.send(Err(error));
            return;
        }
    };
    // Our copy of the claim on the server's home: from here on the server alone holds it.
    drop(command);
    let pid = Pid::from_child(&child);
    let child = Arc::new(Mutex::new(child));
    if spawned.send(Ok((pid, Arc::clone(&child)))).is_err() {
        // The start was given up meanwhile.
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
