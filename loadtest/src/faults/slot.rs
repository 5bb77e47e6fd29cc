//! A place for one process of a component. Its addresses and proxies stay the same when the process is
//! restarted.

use crate::Failure;
use crate::faults::clock::Clock;
use crate::faults::log_reader::LogReader;
use crate::faults::proxy::Proxy;
use crate::faults::readiness::is_ready;
use rustix::process::{Pid, Signal, kill_process};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::Mutex;

/// Time limit for a start or an exit, even during a build on the same machine.
const TIMEOUT: Duration = Duration::from_secs(60);

const POLL_INTERVAL: Duration = Duration::from_millis(10);

/// Configuration and state of a process.
pub(crate) struct Slot {
    pub(crate) component: &'static str,
    /// Name such as `writer-1`.
    pub(crate) name: String,
    /// Public address of an ingress.
    pub(crate) listen: SocketAddr,
    pub(crate) admin: SocketAddr,
    pub(crate) redis: Proxy,
    pub(crate) postgres: Proxy,
    /// Second address of Postgres; none if the first one moves at a failover.
    pub(crate) standby: Option<Proxy>,
    pub(crate) clock: Option<Clock>,
    /// Program of the process; a deployment replaces it by the next one, and the last one by the first.
    pub(crate) programs: Vec<PathBuf>,
    /// Number of deployments of the process.
    pub(crate) deployments: AtomicUsize,
    /// Settings file of the process, in addition to `settings`.
    pub(crate) config: PathBuf,
    pub(crate) settings: Vec<(String, String)>,
    pub(crate) log: PathBuf,
    /// The running process; a fault that stops it holds the lock.
    pub(crate) process: Mutex<Option<Child>>,
    /// Reader of the logs of the current or last process; a fault that changes it holds the lock of the process.
    pub(crate) log_reader: Mutex<Option<LogReader>>,
    /// Id of the current or last process.
    pub(crate) pid: AtomicU32,
}

impl Slot {
    fn program(&self) -> &Path {
        let deployments = self.deployments.load(Ordering::Relaxed);
        &self.programs[deployments % self.programs.len()]
    }

    pub(crate) async fn start(&self, process: &mut Option<Child>) -> Result<(), Failure> {
        let (reader, log) = LogReader::start(&self.log)?;
        let mut command = Command::new(self.program());
        command
            .args(["run", self.component, "--config"])
            .arg(&self.config)
            .env("REDIS_URL", format!("redis://{}", self.redis.address))
            .env("DATABASE_URL", self.database_url())
            .env("AUCTION__INGRESS__LISTEN", self.listen.to_string())
            .env("AUCTION__ADMIN_LISTEN", self.admin.to_string())
            .envs(self.settings.iter().map(|(name, value)| (name, value)))
            .stdout(log.try_clone()?)
            .stderr(log)
            .stdin(Stdio::null());
        if let Some(clock) = &self.clock {
            clock.apply_to(&mut command);
        }
        let child = command.spawn().map_err(|error| {
            let program = self.program().display();
            format!("{program}: {error}; build it with: cargo build --release -p portal --bin portal")
        })?;
        self.pid.store(child.id(), Ordering::Relaxed);
        *self.log_reader.lock().await = Some(reader);
        *process = Some(child);
        Ok(())
    }

    fn database_url(&self) -> String {
        let first = self.postgres.address;
        match &self.standby {
            None => format!("postgresql://auction@{first}/auction"),
            Some(Proxy { address: second, .. }) => {
                format!("postgresql://auction@{first},{second}/auction?target_session_attrs=read-write")
            }
        }
    }

    /// Sends a signal to the process, if it is running.
    pub(crate) fn signal(&self, process: &Option<Child>, signal: Signal) -> Result<(), Failure> {
        if let Some(pid) = process.as_ref().and_then(|child| Pid::from_raw(child.id().cast_signed())) {
            kill_process(pid, signal)?;
        }
        Ok(())
    }

    /// Waits until the process has exited. Kills it after the time limit and returns an error.
    pub(crate) async fn wait_for_exit(
        &self,
        process: &mut Option<Child>,
    ) -> Result<Option<ExitStatus>, Failure> {
        let Some(mut child) = process.take() else { return Ok(None) };
        let began = Instant::now();
        loop {
            if let Some(status) = child.try_wait()? {
                return Ok(Some(status));
            }
            if began.elapsed() > TIMEOUT {
                child.kill()?;
                child.wait()?;
                return Err(format!("{} did not exit within {TIMEOUT:?}", self.name).into());
            }
            tokio::time::sleep(POLL_INTERVAL).await;
        }
    }

    /// Waits until the process is ready.
    pub(crate) async fn wait_until_ready(&self) -> Result<(), Failure> {
        let began = Instant::now();
        while !is_ready(self.admin).await {
            if began.elapsed() > TIMEOUT {
                return Err(format!("{} did not become ready within {TIMEOUT:?}", self.name).into());
            }
            tokio::time::sleep(POLL_INTERVAL).await;
        }
        Ok(())
    }

    /// Returns the last lines of the log.
    pub(crate) fn log_tail(&self) -> String {
        let log = std::fs::read_to_string(&self.log).unwrap_or_default();
        let last: Vec<&str> = log.lines().rev().take(5).collect();
        last.into_iter().rev().collect::<Vec<_>>().join("\n")
    }
}
