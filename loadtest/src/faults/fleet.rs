//! A portal with two processes of each component, each with its own network proxies and clock. A supervisor
//! restarts processes that exit, and a load balancer follows the readiness of the ingresses.

pub(crate) mod slots;

use crate::Failure;
use crate::faults::disks::Disk;
use crate::faults::power::RedisMachine;
use crate::faults::readiness;
use crate::faults::slot::Slot;
use crate::run::progress::note;
use crate::run::target::client::Address;
use crate::run::target::load_balancer::LoadBalancer;
use auction_local_servers::{LocalServerOptions, LocalServers};
use rustix::process::Signal;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::sync::oneshot;

pub(crate) const COMPONENTS: [&str; 6] =
    ["ingress", "writer", "projector", "auctioneer", "notifier", "promoter"];

/// The default of the portal.
pub(crate) const PARTITIONS: u16 = 4;

/// Interval of the supervisor.
const POLL_INTERVAL: Duration = Duration::from_millis(100);

/// Postgres limits: few enough connections to be exhausted, and small enough for a disk in memory. What a new standby
/// needs is kept.
const POSTGRES: [&str; 3] = ["max_connections=120", "max_wal_size=256MB", "wal_keep_size=256MB"];

/// All processes and servers of a run.
pub(crate) struct Fleet {
    pub(crate) slots: Vec<Slot>,
    /// Components whose processes are affected by faults of single processes.
    pub(crate) targets: Vec<String>,
    /// The servers; a fault that stops or changes them holds the lock.
    pub(crate) servers: tokio::sync::Mutex<Option<LocalServers>>,
    /// Servers for a standby of Postgres; none before the first failover, and otherwise stopped.
    pub(crate) standby: tokio::sync::Mutex<Option<LocalServers>>,
    standby_dir: PathBuf,
    /// Held by the fault that currently changes the network.
    pub(crate) network: tokio::sync::Mutex<()>,
    /// Time of the last loss of all Redis data, until the driver takes it.
    pub(crate) flushed: tokio::sync::Mutex<Option<Instant>>,
    /// Time until which the streams have times ahead, because the clock of Redis was ahead.
    pub(crate) times_ahead_until: tokio::sync::Mutex<Instant>,
    /// None if no library could be compiled.
    pub(crate) redis_machine: Option<RedisMachine>,
    pub(crate) redis_url: String,
    /// Socket of Redis, for further proxies.
    pub(crate) redis_socket: PathBuf,
    pub(crate) database_url: String,
    pub(crate) load_balancer: Arc<LoadBalancer>,
    /// Disks of Redis, Postgres and its standby; none if they could not be mounted.
    pub(crate) disks: Option<[Disk; 3]>,
    /// Unexpected exits of processes and servers, and other problems of the run.
    problems: Mutex<Vec<String>>,
    _directory: Option<TempDir>,
}

impl Fleet {
    /// Starts all servers and processes, with these settings in addition to those of all runs. Faults of single
    /// processes affect these components, or all if none is given. The processes run the first of the programs,
    /// which migrates the database, and after a deployment the next one.
    pub(crate) async fn start(
        data_dir: Option<&Path>,
        components: &[String],
        settings: &[(String, String)],
        programs: &[PathBuf],
    ) -> Result<Fleet, Failure> {
        let temporary = match data_dir {
            Some(_) => None,
            None => Some(tempfile::Builder::new().prefix("auction-faults-").tempdir()?),
        };
        let directory = temporary.as_ref().map(TempDir::path).or(data_dir).ok_or("no directory")?;
        std::fs::create_dir_all(directory)?;
        let (data, standby_dir) = (directory.join("servers"), directory.join("standby"));
        let disks = mount(&data, &standby_dir)
            .inspect_err(|error| {
                note(&format!("disk faults are disabled in this run (mounting requires root): {error}"));
            })
            .ok();
        let mut options = options(&data);
        let redis_machine = RedisMachine::prepare(&data.join("redis"))
            .inspect_err(|error| note(&format!("redis-clock is disabled in this run: {error}")))
            .ok()
            .map(|(machine, environment)| {
                options.redis_environment = environment;
                machine
            });
        let servers = LocalServers::start(options).await?;
        let slots = slots::create(directory, servers.data_dir(), &standby_dir, settings, programs).await?;
        let ingresses = slots.iter().filter(|slot| slot.component == "ingress");
        let addresses = ingresses.map(|slot| Address { host: slot.listen.to_string() }).collect();
        let (redis_url, database_url) = (servers.redis_url().to_owned(), servers.database_url().to_owned());
        let redis_socket = servers.data_dir().join(slots::REDIS_SOCKET);
        let all = COMPONENTS.map(str::to_owned);
        let fleet = Fleet {
            slots,
            targets: if components.is_empty() { all.to_vec() } else { components.to_vec() },
            servers: tokio::sync::Mutex::new(Some(servers)),
            standby: tokio::sync::Mutex::default(),
            standby_dir,
            network: tokio::sync::Mutex::default(),
            flushed: tokio::sync::Mutex::default(),
            times_ahead_until: tokio::sync::Mutex::new(Instant::now()),
            redis_machine,
            redis_url,
            redis_socket,
            database_url,
            load_balancer: Arc::new(LoadBalancer::new(addresses)),
            disks,
            problems: Mutex::default(),
            _directory: temporary,
        };
        for slot in &fleet.slots {
            slot.start(&mut *slot.process.lock().await).await?;
        }
        for slot in &fleet.slots {
            slot.wait_until_ready().await?;
        }
        Ok(fleet)
    }

    /// Starts the servers for a standby of Postgres.
    pub(crate) async fn start_standby(&self) -> Result<LocalServers, Failure> {
        let mut servers = LocalServers::start(options(&self.standby_dir)).await?;
        servers.kill_redis().await;
        Ok(servers)
    }

    /// Returns the processes of a component.
    pub(crate) fn of(&self, component: &str) -> Vec<&Slot> {
        self.slots.iter().filter(|slot| slot.component == component).collect()
    }

    /// Updates the load balancer with the readiness of the ingresses until the result is dropped.
    pub(crate) fn watch_ingresses(&self) -> Result<oneshot::Sender<()>, Failure> {
        let ingresses = self.of("ingress").into_iter().map(|slot| slot.listen).collect();
        readiness::watch(&self.load_balancer, ingresses)
    }

    /// Restarts processes and servers that exit unexpectedly. Runs until dropped.
    pub(crate) async fn supervise(&self) {
        loop {
            self.restart_exited().await;
            tokio::time::sleep(POLL_INTERVAL).await;
        }
    }

    /// Skips processes and servers that are locked by a fault.
    async fn restart_exited(&self) {
        for slot in &self.slots {
            let Ok(mut process) = slot.process.try_lock() else { continue };
            let Some(Ok(Some(status))) = process.as_mut().map(std::process::Child::try_wait) else {
                continue;
            };
            self.report_problem(format!(
                "{} exited unexpectedly with {status}:\n{}",
                slot.name,
                slot.log_tail()
            ));
            if let Err(error) = slot.start(&mut process).await {
                self.report_problem(format!("{} cannot be started: {error}", slot.name));
            }
        }
        if let Ok(mut servers) = self.servers.try_lock()
            && let Some(servers) = servers.as_mut()
        {
            // Start errors are ignored and retried; a server that stays down shows as a missing recovery.
            if let Ok(true) = servers.start_redis().await {
                self.report_problem("Redis exited unexpectedly".to_owned());
            }
            if let Ok(true) = servers.start_postgres().await {
                self.report_problem("Postgres exited unexpectedly".to_owned());
            }
        }
    }

    /// Records a problem and prints it.
    pub(crate) fn report_problem(&self, problem: String) {
        note(&problem);
        self.problems.lock().unwrap_or_else(PoisonError::into_inner).push(problem);
    }

    /// Returns the problems so far.
    pub(crate) fn problems(&self) -> Vec<String> {
        self.problems.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Stops all processes and servers in order and records unsuccessful exits.
    pub(crate) async fn stop(&self) -> Result<(), Failure> {
        for slot in &self.slots {
            slot.signal(&*slot.process.lock().await, Signal::TERM)?;
        }
        for slot in &self.slots {
            let status = slot.wait_for_exit(&mut *slot.process.lock().await).await?;
            if !status.is_some_and(|status| status.success()) {
                self.report_problem(format!(
                    "{} did not shut down cleanly: {status:?}\n{}",
                    slot.name,
                    slot.log_tail()
                ));
            }
        }
        // Its Postgres runs only during a failover.
        drop(self.standby.lock().await.take());
        match self.servers.lock().await.take() {
            Some(servers) => Ok(servers.stop().await?),
            None => Ok(()),
        }
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        for slot in &mut self.slots {
            if let Some(child) = slot.process.get_mut() {
                // The process has already exited, or the run has failed.
                let _ = child.kill();
                let _ = child.wait();
            }
        }
        // The servers must exit before their disks are unmounted.
        self.servers.get_mut().take();
        self.standby.get_mut().take();
    }
}

fn options(data_dir: &Path) -> LocalServerOptions {
    let mut options = LocalServerOptions::new(data_dir);
    options.postgres_settings = POSTGRES.map(str::to_owned).to_vec();
    options
}

fn mount(data: &Path, standby: &Path) -> Result<[Disk; 3], Failure> {
    let disks = [data.join("redis"), data.join("postgres"), standby.join("postgres")].map(Disk::mount);
    let [redis, postgres, standby] = disks;
    Ok([redis?, postgres?, standby?])
}
