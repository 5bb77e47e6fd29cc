//! A private portal: its own Redis and Postgres, and one process per component.

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

const COMPONENTS: [&str; 6] = ["ingress", "writer", "projector", "auctioneer", "notifier", "promoter"];

/// Time limit for the start.
const TIMEOUT: Duration = Duration::from_secs(60);

const POLL_INTERVAL: Duration = Duration::from_millis(50);

/// The default of the portal.
const PARTITIONS: u16 = 4;

/// Processes and servers of a private portal; stopped when dropped.
pub(crate) struct LocalPortal {
    processes: Vec<(&'static str, Child)>,
    servers: Option<LocalServers>,
    pub(crate) url: String,
    pub(crate) redis_url: String,
    pub(crate) database_url: String,
    /// Removed at the end; none if a directory was given.
    _directory: Option<TempDir>,
}

impl LocalPortal {
    /// Starts all servers and components. Runs the program `portal` in the directory of this program.
    pub(crate) async fn start(data_dir: Option<&Path>) -> Result<LocalPortal, Failure> {
        let temporary = match data_dir {
            Some(_) => None,
            None => Some(tempfile::Builder::new().prefix("auction-load-").tempdir()?),
        };
        let directory = match (&temporary, data_dir) {
            (_, Some(directory)) => directory.to_owned(),
            (Some(temporary), None) => temporary.path().to_owned(),
            (None, None) => PathBuf::new(), // unreachable: one of both is set
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
        for component in COMPONENTS {
            let child = portal.process(component, listen, &directory)?;
            portal.processes.push((component, child));
        }
        portal.wait_until_ready().await?;
        Ok(portal)
    }

    fn process(&self, component: &str, listen: SocketAddr, directory: &Path) -> Result<Child, Failure> {
        let program = std::env::current_exe()?.with_file_name("portal");
        let log = File::create(directory.join(format!("{component}.log")))?;
        let started = Command::new(&program)
            .args(["run", component])
            .env("REDIS_URL", &self.redis_url)
            .env("DATABASE_URL", &self.database_url)
            .env("AUCTION__PARTITIONS", PARTITIONS.to_string())
            .env("AUCTION__INGRESS__LISTEN", listen.to_string())
            .env("AUCTION__INGRESS__TRUST_GATEWAY_USER_HEADER", "true")
            .env("AUCTION__RATE_LIMITS__ENABLED", "false")
            // Inboxes keep all notifications, so that the checker can read them.
            .env("AUCTION__NOTIFIER__INBOX_SIZE", "60000")
            .env("AUCTION__LOG__FILTER", "warn")
            .stdout(log.try_clone()?)
            .stderr(log)
            .stdin(Stdio::null())
            .spawn();
        started.map_err(|error| {
            let program = program.display();
            format!("{program}: {error}; build it with: cargo build --release -p portal --bin portal").into()
        })
    }

    async fn wait_until_ready(&mut self) -> Result<(), Failure> {
        let (began, address) = (Instant::now(), Address::parse(&self.url)?);
        let request = format!("GET /readyz HTTP/1.1\r\nHost: {}\r\n\r\n", address.host);
        loop {
            if let Ok(mut client) = Client::connect(&address).await
                && let Ok(response) = client.send(request.as_bytes()).await
                && response.status == 200
            {
                return Ok(());
            }
            self.verify_running()?;
            if began.elapsed() > TIMEOUT {
                return Err(format!("the private portal did not become ready within {TIMEOUT:?}").into());
            }
            tokio::time::sleep(POLL_INTERVAL).await;
        }
    }

    /// Returns an error if a process has exited.
    pub(crate) fn verify_running(&mut self) -> Result<(), Failure> {
        for (component, child) in &mut self.processes {
            if let Some(status) = child.try_wait()? {
                return Err(format!("the {component} of the private portal exited: {status}").into());
            }
        }
        Ok(())
    }

    /// Returns the process ids by component.
    pub(crate) fn pids(&self) -> Vec<(&'static str, u32)> {
        self.processes.iter().map(|(component, child)| (*component, child.id())).collect()
    }

    /// Stops all processes and servers in order.
    pub(crate) async fn stop(mut self) -> Result<(), Failure> {
        for (_, child) in &self.processes {
            Command::new("kill").arg(child.id().to_string()).status()?;
        }
        for (component, mut child) in self.processes.drain(..) {
            let status = child.wait()?;
            if !status.success() {
                return Err(format!("the {component} of the private portal exited with {status}").into());
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
            // The process has already exited, or the run has failed.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
