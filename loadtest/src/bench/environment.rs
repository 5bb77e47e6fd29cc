//! A private Redis and Postgres for a benchmark, and component processes.

use crate::Failure;
use crate::bench::{backlog, resource_usage};
use auction_local_servers::{LocalServerOptions, LocalServers};
use auction_postgres::PostgresStoreConnector;
use auction_postgres::migrate::migrate;
use auction_redis::keys;
use redis::AsyncConnectionConfig;
use redis::aio::MultiplexedConnection;
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use stream_worker::entry::range_reply;
use tempfile::TempDir;
use tokio_postgres::{Client, NoTls};

const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// Time limit for reaching a position.
const TIMEOUT: Duration = Duration::from_secs(600);

/// Servers that contain only users and auctions.
pub(crate) struct BenchEnvironment {
    servers: LocalServers,
    database: Client,
    /// Settings of all components.
    settings: Vec<(&'static str, String)>,
    /// A component that runs under another program, and the command line of that program.
    wrapper: Option<(String, Vec<String>)>,
    _directory: TempDir,
}

impl BenchEnvironment {
    /// Starts both servers and migrates the database.
    pub(crate) async fn start() -> Result<BenchEnvironment, Failure> {
        let directory = tempfile::Builder::new().prefix("auction-bench-").tempdir()?;
        let servers = LocalServers::start(LocalServerOptions::new(directory.path())).await?;
        migrate(servers.database_url(), backlog::partitions()?).await?;
        let (database, connection) = tokio_postgres::connect(servers.database_url(), NoTls).await?;
        tokio::spawn(connection);
        let (settings, wrapper) = (Vec::new(), None);
        Ok(BenchEnvironment { servers, database, settings, wrapper, _directory: directory })
    }

    /// Starts the servers and creates users and auctions with a writer.
    pub(crate) async fn with_auctions(users: usize, auctions: usize) -> Result<BenchEnvironment, Failure> {
        let bench = BenchEnvironment::start().await?;
        let mut redis = bench.redis().await?;
        backlog::add_commands(&mut redis, (0..users).map(|n| Ok(backlog::create_user(backlog::user(n)))))
            .await?;
        backlog::add_commands(
            &mut redis,
            (0..auctions).map(|n| backlog::create_auction(backlog::auction(n))),
        )
        .await?;
        let writer = bench.writer()?;
        bench.wait_for_events((users + auctions) as u64).await?;
        writer.end()?;
        Ok(bench)
    }

    pub(crate) fn redis_client(&self) -> Result<redis::Client, Failure> {
        Ok(redis::Client::open(self.servers.redis_url())?)
    }

    pub(crate) async fn redis(&self) -> Result<MultiplexedConnection, Failure> {
        let config = AsyncConnectionConfig::new().set_response_timeout(Some(Duration::from_secs(60)));
        Ok(self.redis_client()?.get_multiplexed_async_connection_with_config(&config).await?)
    }

    pub(crate) fn stores(&self) -> Result<PostgresStoreConnector, Failure> {
        Ok(PostgresStoreConnector::new(self.servers.database_url())?)
    }

    pub(crate) fn database(&self) -> &Client {
        &self.database
    }

    pub(crate) fn database_url(&self) -> &str {
        self.servers.database_url()
    }

    /// Returns the number of stored events.
    pub(crate) async fn events(&self) -> Result<u64, Failure> {
        Ok(self.heads().await?.iter().sum())
    }

    /// Returns the head of each partition.
    pub(crate) async fn heads(&self) -> Result<Vec<u64>, Failure> {
        let rows = self.database.query("SELECT head FROM partitions ORDER BY id", &[]).await?;
        rows.iter().map(|row| Ok(u64::try_from(row.get::<_, i64>(0))?)).collect()
    }

    /// Returns the number of published events.
    pub(crate) async fn published(&self, redis: &mut MultiplexedConnection) -> Result<u64, Failure> {
        let mut queries = redis::pipe();
        for partition in backlog::partitions()?.all() {
            let stream = keys::events(partition);
            queries.cmd("XREVRANGE").arg(stream).arg("+").arg("-").arg("COUNT").arg(1);
        }
        let replies: Vec<redis::Value> = queries.query_async(redis).await?;
        let mut published = 0;
        for reply in replies {
            published += range_reply(reply)?.first().map_or(0, |last| last.id.ms);
        }
        Ok(published)
    }

    /// Waits until this many events are published.
    pub(crate) async fn wait_until_published(&self, events: u64) -> Result<(), Failure> {
        let (began, mut redis) = (Instant::now(), self.redis().await?);
        loop {
            let published = self.published(&mut redis).await?;
            if published >= events {
                return Ok(());
            }
            if began.elapsed() > TIMEOUT {
                return Err(
                    format!("only {published} of {events} events were published within {TIMEOUT:?}").into()
                );
            }
            tokio::time::sleep(POLL_INTERVAL).await;
        }
    }

    /// Waits until this many events are stored.
    pub(crate) async fn wait_for_events(&self, events: u64) -> Result<(), Failure> {
        let began = Instant::now();
        while self.events().await? < events {
            if began.elapsed() > TIMEOUT {
                return Err(format!(
                    "only {} of {events} events were stored within {TIMEOUT:?}",
                    self.events().await?
                )
                .into());
            }
            tokio::time::sleep(POLL_INTERVAL).await;
        }
        Ok(())
    }

    /// Returns an error unless this many bids were accepted, each once, and no other outcome of a bid is
    /// stored.
    pub(crate) async fn verify_all_accepted(&self, bids: usize) -> Result<(), Failure> {
        let count = async |query: &str| {
            let row = self.database.query_one(query, &[]).await?;
            Ok::<_, Failure>(row.get::<_, i64>(0) as usize)
        };
        let placed = count("SELECT count(*) FROM events WHERE kind = 'bid_placed'").await?;
        let outcomes = count("SELECT count(*) FROM command_outcomes WHERE kind = 'place_bid'").await?;
        if (placed, outcomes) == (bids, bids) {
            return Ok(());
        }
        Err(format!("{placed} bids and {outcomes} outcomes are stored, expected {bids} of each").into())
    }

    pub(crate) fn redis_url(&self) -> &str {
        self.servers.redis_url()
    }

    pub(crate) fn writer(&self) -> Result<Process, Failure> {
        self.process("writer", &[])
    }

    /// Starts a component with additional settings. Runs the program `portal` in the directory of this
    /// program.
    pub(crate) fn process(&self, component: &str, settings: &[(&str, String)]) -> Result<Process, Failure> {
        let program = std::env::current_exe()?.with_file_name("portal");
        let mut command = match &self.wrapper {
            Some((watched, line)) if watched == component => {
                let mut command = Command::new(&line[0]);
                command.args(&line[1..]).arg(&program);
                command
            }
            _ => Command::new(&program),
        };
        command.args(["run", component]).env("AUCTION__LOG__FILTER", "warn");
        command.envs(self.settings.iter().map(|(name, value)| (*name, value)));
        self.spawn(command.envs(settings.iter().map(|(name, value)| (*name, value))))
    }

    /// Adds a setting for all components started from now on.
    pub(crate) fn set(&mut self, name: &'static str, value: String) {
        self.settings.push((name, value));
    }

    /// Runs a component under another program, such as `valgrind`, from now on.
    pub(crate) fn run_under(&mut self, component: &str, line: Vec<String>) {
        self.wrapper = (!line.is_empty()).then(|| (component.to_owned(), line));
    }

    /// Starts this program as the baseline of a benchmark.
    pub(crate) fn spawn_baseline(&self, arguments: &[&str]) -> Result<Process, Failure> {
        self.spawn(Command::new(std::env::current_exe()?).arg("bench").args(arguments))
    }

    fn spawn(&self, command: &mut Command) -> Result<Process, Failure> {
        command
            .env("REDIS_URL", self.servers.redis_url())
            .env("DATABASE_URL", self.servers.database_url())
            .stdout(Stdio::null());
        let child = command.spawn().map_err(|error| {
            format!("{}: {error}; build it with: make bench", command.get_program().display())
        })?;
        Ok(Process(child))
    }

    pub(crate) async fn stop(self) -> Result<(), Failure> {
        drop(self.database);
        Ok(self.servers.stop().await?)
    }
}

/// A running process; killed when dropped.
pub(crate) struct Process(Child);

impl Process {
    pub(crate) fn id(&self) -> u32 {
        self.0.id()
    }

    /// Returns the resident memory in kB.
    pub(crate) fn memory(&self) -> Result<u64, Failure> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.0.id()))?;
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        Ok(resident.and_then(|resident| resident.split_whitespace().next()).ok_or("no VmRSS")?.parse()?)
    }

    /// Returns the CPU seconds used so far.
    pub(crate) fn cpu(&self) -> Result<f64, Failure> {
        resource_usage::cpu_of(self.0.id())
    }

    /// Stops the process and waits for its exit.
    pub(crate) fn end(mut self) -> Result<(), Failure> {
        Command::new("kill").arg(self.0.id().to_string()).status()?;
        match self.0.wait()? {
            status if status.success() => Ok(()),
            status => Err(format!("a process exited with {status}").into()),
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // The process has already exited, or the benchmark has failed.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Waits until the address accepts connections.
pub(crate) async fn wait_for_listener(address: SocketAddr) -> Result<(), Failure> {
    let began = Instant::now();
    while tokio::net::TcpStream::connect(address).await.is_err() {
        if began.elapsed() > Duration::from_secs(60) {
            return Err(format!("no process listens at {address}").into());
        }
        tokio::time::sleep(POLL_INTERVAL).await;
    }
    Ok(())
}

/// Flushes all pending writes to disk, so that they do not disturb the measurement.
pub(crate) fn sync_disks() -> Result<(), Failure> {
    Command::new("sync").status()?;
    Ok(())
}
