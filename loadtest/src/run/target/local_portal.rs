//! A portal of our own: private servers, and every role as a process.

use crate::Failure;
use crate::run::target::client::{Address, Client};
use auction_local_servers::{LocalServerOptions, LocalServers};
use auction_postgres::migrate::migrate;
use auction_testkit::free_address::own_address;
use auction_wire::PartitionCount;
use std::fs::File;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

const ROLES: [&str; 6] = ["ingress", "writer", "projector", "auctioneer", "notifier", "promoter"];

/// Nothing takes longer to start.
const PATIENCE: Duration = Duration::from_secs(60);

const LOOK: Duration = Duration::from_millis(50);

/// As a portal has it.
const PARTITIONS: u16 = 4;

/// Processes and servers; they end with it.
pub(crate) struct LocalPortal {
    processes: Vec<(&'static str, Child)>,
    servers: Option<LocalServers>,
    pub(crate) url: String,
    pub(crate) redis_url: String,
    pub(crate) database_url: String,
    /// Removed at the end, unless a directory was named.
    _directory: Option<TempDir>,
}

impl LocalPortal {
    /// Starts everything, with the program `portal` that was built beside this one.
    pub(crate) async fn start(data_dir: Option<&Path>) -> Result<LocalPortal, Failure> {
        let temporary = match data_dir {
            Some(_) => None,
            None => Some(tempfile::Builder::new().prefix("auction-load-").tempdir()?),
        };
        let directory = match (&temporary, data_dir) {
            (_, Some(directory)) => directory.to_owned(),
            (Some(temporary), None) => temporary.path().to_owned(),
            (None, None) => PathBuf::new(), // one of them there is
        };
        std::fs::create_dir_all(&directory)?;
        let servers = LocalServers::start(LocalServerOptions::new(directory.join("servers"))).await?;
        migrate(servers.database_url(), PartitionCount::new(PARTITIONS)?).await?;
        let listen = own_address()?;
        let (redis_url, database_url) = (servers.redis_url().to_owned(), servers.database_url().to_owned());
        let mut portal = LocalPortal {
            processes: Vec::new(),
            servers: Some(servers),
            url: format!("http://{listen}"),
            redis_url,
            database_url,
            _directory: temporary,
        };
        for role in ROLES {
            let child = portal.process(role, listen, &directory)?;
            portal.processes.push((role, child));
        }
        portal.ready().await?;
        Ok(portal)
    }

    fn process(&self, role: &str, listen: SocketAddr, directory: &Path) -> Result<Child, Failure> {
        let program = std::env::current_exe()?.with_file_name("portal");
        let log = File::create(directory.join(format!("{role}.log")))?;
        let started = Command::new(&program)
            .args(["run", role])
            .env("REDIS_URL", &self.redis_url)
            .env("DATABASE_URL", &self.database_url)
            .env("AUCTION__PARTITIONS", PARTITIONS.to_string())
            .env("AUCTION__INGRESS__LISTEN", listen.to_string())
            .env("AUCTION__INGRESS__TRUST_GATEWAY_USER_HEADER", "true")
            .env("AUCTION__LIMITS__ON", "false")
            // All of them are kept, so that all can be looked at.
            .env("AUCTION__NOTIFIER__INBOX_KEEPS", "60000")
            .env("AUCTION__LOG__FILTER", "warn")
            .stdout(log.try_clone()?)
            .stderr(log)
            .stdin(Stdio::null())
            .spawn();
        started.map_err(|error| {
            let program = program.display();
            format!("{program}: {error}; build it first: cargo build --release -p portal --bin portal").into()
        })
    }

    async fn ready(&mut self) -> Result<(), Failure> {
        let (began, address) = (Instant::now(), Address::read(&self.url)?);
        let request = format!("GET /readyz HTTP/1.1\r\nHost: {}\r\n\r\n", address.host);
        loop {
            if let Ok(mut client) = Client::connect(&address).await
                && let Ok(answer) = client.ask(request.as_bytes()).await
                && answer.status == 200
            {
                return Ok(());
            }
            self.alive()?;
            if began.elapsed() > PATIENCE {
                return Err(format!("the private portal is not ready after {PATIENCE:?}").into());
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// An error if a process has ended.
    pub(crate) fn alive(&mut self) -> Result<(), Failure> {
        for (role, child) in &mut self.processes {
            if let Some(status) = child.try_wait()? {
                return Err(format!("the {role} of the private portal ended: {status}").into());
            }
        }
        Ok(())
    }

    /// The processes by their roles.
    pub(crate) fn pids(&self) -> Vec<(&'static str, u32)> {
        self.processes.iter().map(|(role, child)| (*role, child.id())).collect()
    }

    /// Ends everything in order; nothing is left behind.
    pub(crate) async fn stop(mut self) -> Result<(), Failure> {
        for (_, child) in &self.processes {
            Command::new("kill").arg(child.id().to_string()).status()?;
        }
        for (role, mut child) in self.processes.drain(..) {
            let status = child.wait()?;
            if !status.success() {
                return Err(format!("the {role} of the private portal ended with {status}").into());
            }
        }
        match self.servers.take() {
            Some(servers) => Ok(servers.stop().await?),
            None => Ok(()),
        }
    }
}

impl Drop for LocalPortal {
    fn drop(&mut self) {
        for (_, child) in &mut self.processes {
            // It has ended already, or the run has failed.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
