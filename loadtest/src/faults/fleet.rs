//! A portal with two of each role, each a process with a network and a clock of its own, and what looks after it: a
//! supervisor that starts what ends, and a load balancer that asks who is ready.

use crate::Failure;
use crate::faults::clock::Clocks;
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

pub(crate) const ROLES: [&str; 6] = ["ingress", "writer", "projector", "auctioneer", "notifier", "promoter"];

/// Of each role.
const EACH: usize = 2;

/// As a portal has it.
pub(crate) const PARTITIONS: u16 = 4;

/// How often it is looked who runs and who is ready.
const LOOK: Duration = Duration::from_millis(100);

/// Leases are short: what a pause does to those who outlive them is wanted often. What is old goes soon: what grows for
/// ever would show.
const SETTINGS: [(&str, &str); 19] = [
    ("AUCTION__PARTITIONS", "4"),
    ("AUCTION__INGRESS__TRUST_GATEWAY_USER_HEADER", "true"),
    ("AUCTION__INGRESS__GRACE_SECONDS", "2"),
    ("AUCTION__LIMITS__ON", "false"),
    ("AUCTION__LOG__FILTER", "warn"),
    ("AUCTION__WRITER__LEASE_SECONDS", "2"),
    ("AUCTION__PROJECTOR__LEASE_SECONDS", "2"),
    ("AUCTION__AUCTIONEER__LEASE_SECONDS", "2"),
    ("AUCTION__NOTIFIER__LEASE_SECONDS", "2"),
    ("AUCTION__PROMOTER__LEASE_SECONDS", "2"),
    // All of them are kept, so that all can be looked at.
    ("AUCTION__NOTIFIER__INBOX_KEEPS", "60000"),
    ("AUCTION__NOTIFIER__INTERVAL_MS", "300"),
    ("AUCTION__WRITER__CACHED_AGGREGATES", "500"),
    ("AUCTION__PROJECTOR__CACHED_AUCTIONS", "300"),
    ("AUCTION__NOTIFIER__CACHED_AUCTIONS", "300"),
    ("AUCTION__WRITER__SNAPSHOT_EVENTS", "200"),
    ("AUCTION__RETENTION__COMMANDS_SECONDS", "120"),
    ("AUCTION__RETENTION__EVENTS_SECONDS", "300"),
    ("AUCTION__RETENTION__EVERY_MS", "2000"),
];

/// The servers have to be tight enough to be filled, and small enough for a disk in memory.
const POSTGRES: [&str; 2] = ["max_connections=120", "max_wal_size=256MB"];

/// Everything that runs.
pub(crate) struct Fleet {
    pub(crate) slots: Vec<Slot>,
    /// Whoever holds it decides whether they run.
    pub(crate) servers: tokio::sync::Mutex<Option<LocalServers>>,
    /// Whoever holds it decides how the network is.
    pub(crate) network: tokio::sync::Mutex<()>,
    /// When everything was gone from Redis last, until somebody takes it.
    pub(crate) flushed: tokio::sync::Mutex<Option<Instant>>,
    pub(crate) redis_url: String,
    pub(crate) database_url: String,
    pub(crate) balance: Arc<LoadBalancer>,
    /// Disks of Redis and of Postgres, if they could be mounted.
    pub(crate) disks: Option<[Disk; 2]>,
    /// Processes and servers that ended although nobody ended them.
    ended: Mutex<Vec<String>>,
    _directory: Option<TempDir>,
}

impl Fleet {
    /// Starts everything, with the program `portal` that was built beside this one.
    pub(crate) async fn start(data_dir: Option<&Path>) -> Result<Fleet, Failure> {
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
            (Err(why), _) | (_, Err(why)) => {
                note(&format!("NO DISK WILL BE FULL in this run, for which root is needed: {why}"));
                None
            }
        };
        let mut options = LocalServerOptions::new(&data);
        options.postgres_settings = POSTGRES.map(str::to_owned).to_vec();
        let servers = LocalServers::start(options).await?;
        migrate(servers.database_url(), PartitionCount::new(PARTITIONS)?).await?;
        let slots = slots(directory, servers.data_dir()).await?;
        let ingresses = slots.iter().filter(|slot| slot.role == "ingress");
        let addresses = ingresses.map(|slot| Address { host: slot.listen.to_string() }).collect();
        let (redis_url, database_url) = (servers.redis_url().to_owned(), servers.database_url().to_owned());
        let fleet = Fleet {
            slots,
            servers: tokio::sync::Mutex::new(Some(servers)),
            network: tokio::sync::Mutex::default(),
            flushed: tokio::sync::Mutex::default(),
            redis_url,
            database_url,
            balance: Arc::new(LoadBalancer::new(addresses)),
            disks,
            ended: Mutex::default(),
            _directory: temporary,
        };
        for slot in &fleet.slots {
            slot.start(&mut *slot.process.lock().await)?;
        }
        for slot in &fleet.slots {
            slot.ready().await?;
        }
        Ok(fleet)
    }

    /// The processes of a role.
    pub(crate) fn of(&self, role: &str) -> Vec<&Slot> {
        self.slots.iter().filter(|slot| slot.role == role).collect()
    }

    /// Tells the load balancer who is ready, until it is dropped.
    pub(crate) fn watch_ingresses(&self) -> JoinSet<()> {
        let mut tasks = JoinSet::new();
        let ingresses = self.of("ingress").into_iter().map(|slot| slot.listen).enumerate();
        for (number, listen) in ingresses {
            let balance = Arc::clone(&self.balance);
            tasks.spawn(async move {
                loop {
                    balance.is(number, is_ready(listen).await);
                    tokio::time::sleep(LOOK).await;
                }
            });
        }
        tasks
    }

    /// Starts what has ended by itself, again and again.
    pub(crate) async fn supervise(&self) {
        loop {
            self.start_what_ended().await;
            tokio::time::sleep(LOOK).await;
        }
    }

    /// What is held by a fault is that fault's business.
    async fn start_what_ended(&self) {
        for slot in &self.slots {
            let Ok(mut process) = slot.process.try_lock() else { continue };
            let Some(Ok(Some(status))) = process.as_mut().map(std::process::Child::try_wait) else {
                continue;
            };
            self.has_ended(format!("{} ended by itself with {status}:\n{}", slot.name, slot.log_tail()));
            if let Err(error) = slot.start(&mut process) {
                self.has_ended(format!("{} cannot be started: {error}", slot.name));
            }
        }
        if let Ok(mut servers) = self.servers.try_lock()
            && let Some(servers) = servers.as_mut()
        {
            // Tried again until it works; whether it does shows in what the portal does.
            if let Ok(true) = servers.start_redis().await {
                self.has_ended("Redis ended by itself".to_owned());
            }
            if let Ok(true) = servers.start_postgres().await {
                self.has_ended("Postgres ended by itself".to_owned());
            }
        }
    }

    /// Something ended by itself.
    pub(crate) fn has_ended(&self, what: String) {
        note(&what);
        self.ended.lock().unwrap_or_else(PoisonError::into_inner).push(what);
    }

    /// What has ended by itself so far.
    pub(crate) fn ended(&self) -> Vec<String> {
        self.ended.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Ends everything in order: how many ended as they should not have.
    pub(crate) async fn stop(&self) -> Result<(), Failure> {
        for slot in &self.slots {
            slot.signal(&*slot.process.lock().await, Signal::TERM)?;
        }
        for slot in &self.slots {
            let status = slot.ended(&mut *slot.process.lock().await).await?;
            if !status.is_some_and(|status| status.success()) {
                self.has_ended(format!("{} was told to end: {status:?}\n{}", slot.name, slot.log_tail()));
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
                // It has ended already, or the run has failed.
                let _ = child.kill();
                let _ = child.wait();
            }
        }
        // The servers have to be gone before their disks are.
        self.servers.get_mut().take();
    }
}

async fn slots(directory: &Path, data: &Path) -> Result<Vec<Slot>, Failure> {
    let clocks = Clocks::compile(directory)
        .inspect_err(|why| note(&format!("NO CLOCK WILL BE WRONG in this run: {why}")))
        .ok();
    let program = std::env::current_exe()?.with_file_name("portal");
    let settings: Vec<_> = SETTINGS.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
    let mut slots = Vec::new();
    for role in ROLES {
        for number in 1..=EACH {
            let name = format!("{role}-{number}");
            let clock = clocks.as_ref().map(|clocks| clocks.clock(directory.join(format!("{name}.clock"))));
            slots.push(Slot {
                role,
                listen: own_address()?,
                admin: own_address()?,
                redis: Proxy::to(&data.join("redis/redis.sock")).await?,
                postgres: Proxy::to(&data.join("postgres/.s.PGSQL.5432")).await?,
                clock: clock.transpose()?,
                program: program.clone(),
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
