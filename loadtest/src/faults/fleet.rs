//! A portal with two processes of each component, each with its own network proxies and clock. A supervisor
//! restarts processes that exit, and a load balancer follows the readiness of the ingresses.

use crate::Failure;
use crate::faults::clock::ClockLibrary;
use crate::faults::disks::Disk;
use crate::faults::proxy::Proxy;
use crate::faults::slot::{Slot, is_ready};
use crate::run::progress::note;
use crate::run::target::client::Address;
use crate::run::target::load_balancer::LoadBalancer;
use auction_local_servers::{LocalServerOptions, LocalServers};
use auction_postgres::migrate::migrate;
use auction_testkit::free_address::own_address;
use auction_wire::PartitionCount;
use rustix::process::Signal;
use std::path::Path;
use std::sync::atomic::AtomicU32;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::task::JoinSet;

pub(crate) const COMPONENTS: [&str; 6] =
    ["ingress", "writer", "projector", "auctioneer", "notifier", "promoter"];

/// Number of processes of each component.
const PROCESSES_PER_COMPONENT: usize = 2;

/// The default of the portal.
pub(crate) const PARTITIONS: u16 = 4;

/// Interval of the supervisor and of the readiness checks.
const POLL_INTERVAL: Duration = Duration::from_millis(100);

/// Short leases, so that pauses often outlast them. Short retention, so that data that grows without bound is
/// visible.
const SETTINGS: [(&str, &str); 19] = [
    ("AUCTION__PARTITIONS", "4"),
    ("AUCTION__INGRESS__TRUST_GATEWAY_USER_HEADER", "true"),
    ("AUCTION__INGRESS__SHUTDOWN_GRACE_SECONDS", "2"),
    ("AUCTION__RATE_LIMITS__ENABLED", "false"),
    ("AUCTION__LOG__FILTER", "warn"),
    ("AUCTION__WRITER__LEASE_SECONDS", "2"),
    ("AUCTION__PROJECTOR__LEASE_SECONDS", "2"),
    ("AUCTION__AUCTIONEER__LEASE_SECONDS", "2"),
    ("AUCTION__NOTIFIER__LEASE_SECONDS", "2"),
    ("AUCTION__PROMOTER__LEASE_SECONDS", "2"),
    // Inboxes keep all notifications, so that the checker can read them.
    ("AUCTION__NOTIFIER__INBOX_SIZE", "60000"),
    ("AUCTION__NOTIFIER__INTERVAL_MS", "300"),
    ("AUCTION__WRITER__AGGREGATE_CACHE_SIZE", "500"),
    ("AUCTION__PROJECTOR__AUCTION_CACHE_SIZE", "300"),
    ("AUCTION__NOTIFIER__AUCTION_CACHE_SIZE", "300"),
    ("AUCTION__WRITER__SNAPSHOT_EVENTS", "200"),
    ("AUCTION__RETENTION__COMMANDS_SECONDS", "120"),
    ("AUCTION__RETENTION__EVENTS_SECONDS", "300"),
    ("AUCTION__RETENTION__INTERVAL_MS", "2000"),
];

/// Settings file: a draw every five seconds, so that each auction has several.
const SETTINGS_FILE: &str = "[promoter]\noptions = [{ interval_ms = 5000 }]\n";

/// Postgres limits: few enough connections to be exhausted, and small enough for a disk in memory.
const POSTGRES: [&str; 2] = ["max_connections=120", "max_wal_size=256MB"];

/// All processes and servers of a run.
pub(crate) struct Fleet {
    pub(crate) slots: Vec<Slot>,
    /// Components whose processes are affected by faults of single processes.
    pub(crate) targets: Vec<String>,
    /// The servers; a fault that stops or changes them holds the lock.
    pub(crate) servers: tokio::sync::Mutex<Option<LocalServers>>,
    /// Held by the fault that currently changes the network.
    pub(crate) network: tokio::sync::Mutex<()>,
    /// Time of the last loss of all Redis data, until the driver takes it.
    pub(crate) flushed: tokio::sync::Mutex<Option<Instant>>,
    pub(crate) redis_url: String,
    pub(crate) database_url: String,
    pub(crate) load_balancer: Arc<LoadBalancer>,
    /// Disks of Redis and Postgres; none if they could not be mounted.
    pub(crate) disks: Option<[Disk; 2]>,
    /// Unexpected exits of processes and servers, and other problems of the run.
    problems: Mutex<Vec<String>>,
    _directory: Option<TempDir>,
}

impl Fleet {
    /// Starts all servers and processes, with these settings in addition to those of all runs. Faults of single
    /// processes affect these components, or all if none is given. Runs the program `portal` in the directory of
    /// this program.
    pub(crate) async fn start(
        data_dir: Option<&Path>,
        components: &[String],
        settings: &[(String, String)],
    ) -> Result<Fleet, Failure> {
        let temporary = match data_dir {
            Some(_) => None,
            None => Some(tempfile::Builder::new().prefix("auction-faults-").tempdir()?),
        };
        let directory = temporary.as_ref().map(TempDir::path).or(data_dir).ok_or("no directory")?;
        std::fs::create_dir_all(directory)?;
        let data = directory.join("servers");
        let disk = |name| Disk::mount(data.join(name));
        let disks = match (disk("redis"), disk("postgres")) {
            (Ok(redis), Ok(postgres)) => Some([redis, postgres]),
            (Err(error), _) | (_, Err(error)) => {
                note(&format!("disk faults are disabled in this run (mounting requires root): {error}"));
                None
            }
        };
        let mut options = LocalServerOptions::new(&data);
        options.postgres_settings = POSTGRES.map(str::to_owned).to_vec();
        let servers = LocalServers::start(options).await?;
        migrate(servers.database_url(), PartitionCount::new(PARTITIONS)?).await?;
        let slots = slots(directory, servers.data_dir(), settings).await?;
        let ingresses = slots.iter().filter(|slot| slot.component == "ingress");
        let addresses = ingresses.map(|slot| Address { host: slot.listen.to_string() }).collect();
        let (redis_url, database_url) = (servers.redis_url().to_owned(), servers.database_url().to_owned());
        let all = COMPONENTS.map(str::to_owned);
        let fleet = Fleet {
            slots,
            targets: if components.is_empty() { all.to_vec() } else { components.to_vec() },
            servers: tokio::sync::Mutex::new(Some(servers)),
            network: tokio::sync::Mutex::default(),
            flushed: tokio::sync::Mutex::default(),
            redis_url,
            database_url,
            load_balancer: Arc::new(LoadBalancer::new(addresses)),
            disks,
            problems: Mutex::default(),
            _directory: temporary,
        };
        for slot in &fleet.slots {
            slot.start(&mut *slot.process.lock().await)?;
        }
        for slot in &fleet.slots {
            slot.wait_until_ready().await?;
        }
        Ok(fleet)
    }

    /// Returns the processes of a component.
    pub(crate) fn of(&self, component: &str) -> Vec<&Slot> {
        self.slots.iter().filter(|slot| slot.component == component).collect()
    }

    /// Updates the load balancer with the readiness of the ingresses until the result is dropped.
    pub(crate) fn watch_ingresses(&self) -> JoinSet<()> {
        let mut tasks = JoinSet::new();
        let ingresses = self.of("ingress").into_iter().map(|slot| slot.listen).enumerate();
        for (number, listen) in ingresses {
            let load_balancer = Arc::clone(&self.load_balancer);
            tasks.spawn(async move {
                loop {
                    load_balancer.set_ready(number, is_ready(listen).await);
                    tokio::time::sleep(POLL_INTERVAL).await;
                }
            });
        }
        tasks
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
            if let Err(error) = slot.start(&mut process) {
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
    }
}

async fn slots(
    directory: &Path,
    data: &Path,
    more_settings: &[(String, String)],
) -> Result<Vec<Slot>, Failure> {
    let clocks = ClockLibrary::compile(directory)
        .inspect_err(|error| note(&format!("clock faults are disabled in this run: {error}")))
        .ok();
    let program = std::env::current_exe()?.with_file_name("portal");
    let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
    let settings: Vec<_> = SETTINGS.map(owned).into_iter().chain(more_settings.iter().cloned()).collect();
    let config = directory.join("settings.toml");
    std::fs::write(&config, SETTINGS_FILE)?;
    let mut slots = Vec::new();
    for component in COMPONENTS {
        for number in 1..=PROCESSES_PER_COMPONENT {
            let name = format!("{component}-{number}");
            let clock = clocks.as_ref().map(|clocks| clocks.clock(directory.join(format!("{name}.clock"))));
            slots.push(Slot {
                component,
                listen: own_address()?,
                admin: own_address()?,
                redis: Proxy::to(&data.join("redis/redis.sock")).await?,
                postgres: Proxy::to(&data.join("postgres/.s.PGSQL.5432")).await?,
                clock: clock.transpose()?,
                program: program.clone(),
                config: config.clone(),
                settings: settings.clone(),
                log: directory.join(format!("{name}.log")),
                name,
                process: tokio::sync::Mutex::new(None),
                pid: AtomicU32::new(0),
            });
        }
    }
    Ok(slots)
}
