//! One process of a role: its addresses stay when it is started again, as those of a service do.

use crate::Failure;
use crate::faults::clock::Clock;
use crate::faults::proxy::Proxy;
use crate::run::target::client::{Address, Client};
use rustix::process::{Pid, Signal, kill_process};
use std::fs::File;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::Mutex;

/// Nothing takes longer to start or to end, also beside a build.
const PATIENCE: Duration = Duration::from_secs(60);

const LOOK: Duration = Duration::from_millis(10);

/// Whoever takes longer to say how he is, is not well.
const ASKING: Duration = Duration::from_secs(1);

/// A place for a process.
pub(crate) struct Slot {
    pub(crate) role: &'static str,
    /// Such as `writer-1`.
    pub(crate) name: String,
    /// Where an ingress listens.
    pub(crate) listen: SocketAddr,
    pub(crate) admin: SocketAddr,
    pub(crate) redis: Proxy,
    pub(crate) postgres: Proxy,
    pub(crate) clock: Option<Clock>,
    pub(crate) program: PathBuf,
    pub(crate) settings: Vec<(&'static str, String)>,
    pub(crate) log: PathBuf,
    /// Whoever holds it decides whether the process runs.
    pub(crate) process: Mutex<Option<Child>>,
    /// Of the process that runs, or ran last.
    pub(crate) pid: AtomicU32,
}

impl Slot {
    /// Starts a process, in the place of one that has ended.
    pub(crate) fn start(&self, process: &mut Option<Child>) -> Result<(), Failure> {
        let log = File::options().append(true).create(true).open(&self.log)?;
        let mut command = Command::new(&self.program);
        command
            .args(["run", self.role])
            .env("REDIS_URL", format!("redis://{}", self.redis.address))
            .env("DATABASE_URL", format!("postgresql://auction@{}/auction", self.postgres.address))
            .env("AUCTION__INGRESS__LISTEN", self.listen.to_string())
            .env("AUCTION__ADMIN_LISTEN", self.admin.to_string())
            .envs(self.settings.iter().map(|(name, value)| (name, value)))
            .stdout(log.try_clone()?)
            .stderr(log)
            .stdin(Stdio::null());
        if let Some(clock) = &self.clock {
            clock.of(&mut command);
        }
        let child = command.spawn().map_err(|error| {
            let program = self.program.display();
            format!("{program}: {error}; build it first: cargo build --release -p portal --bin portal")
        })?;
        self.pid.store(child.id(), Ordering::Relaxed);
        *process = Some(child);
        Ok(())
    }

    /// A signal to its process.
    pub(crate) fn signal(&self, process: &Option<Child>, signal: Signal) -> Result<(), Failure> {
        if let Some(pid) = process.as_ref().and_then(|child| Pid::from_raw(child.id().cast_signed())) {
            kill_process(pid, signal)?;
        }
        Ok(())
    }

    /// Waits until its process has ended.
    pub(crate) async fn ended(&self, process: &mut Option<Child>) -> Result<Option<ExitStatus>, Failure> {
        let Some(mut child) = process.take() else { return Ok(None) };
        let began = Instant::now();
        loop {
            if let Some(status) = child.try_wait()? {
                return Ok(Some(status));
            }
            if began.elapsed() > PATIENCE {
                child.kill()?;
                child.wait()?;
                return Err(format!("{} did not end within {PATIENCE:?}", self.name).into());
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Waits until its process says that it is ready.
    pub(crate) async fn ready(&self) -> Result<(), Failure> {
        let began = Instant::now();
        while !is_ready(self.admin).await {
            if began.elapsed() > PATIENCE {
                return Err(format!("{} is not ready within {PATIENCE:?}", self.name).into());
            }
            tokio::time::sleep(LOOK).await;
        }
        Ok(())
    }

    /// What its processes said last.
    pub(crate) fn log_tail(&self) -> String {
        let log = std::fs::read_to_string(&self.log).unwrap_or_default();
        let last: Vec<&str> = log.lines().rev().take(5).collect();
        last.into_iter().rev().collect::<Vec<_>>().join("\n")
    }
}

/// Whether a process says that it is ready.
pub(crate) async fn is_ready(address: SocketAddr) -> bool {
    let asked = tokio::time::timeout(ASKING, async {
        let mut client = Client::connect(&Address { host: address.to_string() }).await.ok()?;
        let request = format!("GET /readyz HTTP/1.1\r\nHost: {address}\r\n\r\n");
        Some(client.ask(request.as_bytes()).await.ok()?.status)
    });
    matches!(asked.await, Ok(Some(200)))
}
