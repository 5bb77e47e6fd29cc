//! A Redis and a Postgres of a benchmark's own, and roles as processes.

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

/// Between two looks at how far it is.
const LOOK: Duration = Duration::from_millis(20);

/// Nothing takes longer.
const PATIENCE: Duration = Duration::from_secs(600);

/// Servers with nothing in them but users and auctions.
pub(crate) struct BenchEnvironment {
    servers: LocalServers,
    database: Client,
    /// Settings of all roles.
    settings: Vec<(&'static str, String)>,
    /// A role that runs under another program, and that program's command line.
    under: Option<(String, Vec<String>)>,
    _directory: TempDir,
}

impl BenchEnvironment {
    /// Starts both servers and migrates.
    pub(crate) async fn start() -> Result<BenchEnvironment, Failure> {
        let directory = tempfile::Builder::new().prefix("auction-bench-").tempdir()?;
        let servers = LocalServers::start(LocalServerOptions::new(directory.path())).await?;
        migrate(servers.database_url(), backlog::partitions()?).await?;
        let (database, connection) = tokio_postgres::connect(servers.database_url(), NoTls).await?;
        tokio::spawn(connection);
        let (settings, under) = (Vec::new(), None);
        Ok(BenchEnvironment { servers, database, settings, under, _directory: directory })
    }

    /// The same with so many users and auctions, created by a writer.
    pub(crate) async fn with_auctions(users: usize, auctions: usize) -> Result<BenchEnvironment, Failure> {
        let bench = BenchEnvironment::start().await?;
        let mut redis = bench.redis().await?;
        backlog::give(&mut redis, (0..users).map(|n| Ok(backlog::create_user(backlog::user(n))))).await?;
        backlog::give(&mut redis, (0..auctions).map(|n| backlog::create_auction(backlog::auction(n))))
            .await?;
        let writer = bench.writer()?;
        bench.reached((users + auctions) as u64).await?;
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

    /// How many events there are.
    pub(crate) async fn events(&self) -> Result<u64, Failure> {
        Ok(self.heads().await?.iter().sum())
    }

    /// The same of each partition.
    pub(crate) async fn heads(&self) -> Result<Vec<u64>, Failure> {
        let rows = self.database.query("SELECT head FROM partitions ORDER BY id", &[]).await?;
        rows.iter().map(|row| Ok(u64::try_from(row.get::<_, i64>(0))?)).collect()
    }

    /// How many events are published.
    pub(crate) async fn published(&self, redis: &mut MultiplexedConnection) -> Result<u64, Failure> {
        let mut looks = redis::pipe();
        for partition in backlog::partitions()?.all() {
            let stream = keys::events(partition);
            looks.cmd("XREVRANGE").arg(stream).arg("+").arg("-").arg("COUNT").arg(1);
        }
        let replies: Vec<redis::Value> = looks.query_async(redis).await?;
        let mut published = 0;
        for reply in replies {
            published += range_reply(reply)?.first().map_or(0, |last| last.id.ms);
        }
        Ok(published)
    }

    /// Waits until so many events are published.
    pub(crate) async fn all_published(&self, events: u64) -> Result<(), Failure> {
        let (began, mut redis) = (Instant::now(), self.redis().await?);
        loop {
            let published = self.published(&mut redis).await?;
            if published >= events {
                return Ok(());
            }
            if began.elapsed() > PATIENCE {
                return Err(format!("{published} of {events} events published after {PATIENCE:?}").into());
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Waits until there are so many events.
    pub(crate) async fn reached(&self, events: u64) -> Result<(), Failure> {
        let began = Instant::now();
        while self.events().await? < events {
            if began.elapsed() > PATIENCE {
                return Err(format!("{} of {events} events after {PATIENCE:?}", self.events().await?).into());
            }
            tokio::time::sleep(LOOK).await;
        }
        Ok(())
    }

    /// Whether so many bids were accepted, each once, and nothing else came of any.
    pub(crate) async fn all_accepted(&self, bids: usize) -> Result<(), Failure> {
        let count = async |query: &str| {
            let row = self.database.query_one(query, &[]).await?;
            Ok::<_, Failure>(row.get::<_, i64>(0) as usize)
        };
        let placed = count("SELECT count(*) FROM events WHERE kind = 'bid_placed'").await?;
        let outcomes = count("SELECT count(*) FROM commands WHERE kind = 'place_bid'").await?;
        if (placed, outcomes) == (bids, bids) {
            return Ok(());
        }
        Err(format!("{placed} bids were placed and {outcomes} outcomes stored, of {bids}").into())
    }

    pub(crate) fn redis_url(&self) -> &str {
        self.servers.redis_url()
    }

    /// Starts a writer.
    pub(crate) fn writer(&self) -> Result<Process, Failure> {
        self.process("writer", &[])
    }

    /// Starts a role by the program that was built beside this one, with settings.
    pub(crate) fn process(&self, role: &str, settings: &[(&str, String)]) -> Result<Process, Failure> {
        let program = std::env::current_exe()?.with_file_name("portal");
        let mut command = match &self.under {
            Some((watched, line)) if watched == role => {
                let mut command = Command::new(&line[0]);
                command.args(&line[1..]).arg(&program);
                command
            }
            _ => Command::new(&program),
        };
        command.args(["run", role]).env("AUCTION__LOG__FILTER", "warn");
        command.envs(self.settings.iter().map(|(name, value)| (*name, value)));
        self.spawn(command.envs(settings.iter().map(|(name, value)| (*name, value))))
    }

    /// From now on roles are started with that setting.
    pub(crate) fn set(&mut self, name: &'static str, value: String) {
        self.settings.push((name, value));
    }

    /// From now on that role is started by another program, such as `valgrind`.
    pub(crate) fn run_under(&mut self, role: &str, line: Vec<String>) {
        self.under = (!line.is_empty()).then(|| (role.to_owned(), line));
    }

    /// Starts this program once more, as something that a benchmark compares with.
    pub(crate) fn beside(&self, arguments: &[&str]) -> Result<Process, Failure> {
        self.spawn(Command::new(std::env::current_exe()?).arg("bench").args(arguments))
    }

    fn spawn(&self, command: &mut Command) -> Result<Process, Failure> {
        command
            .env("REDIS_URL", self.servers.redis_url())
            .env("DATABASE_URL", self.servers.database_url())
            .stdout(Stdio::null());
        let child = command.spawn().map_err(|error| {
            format!("{}: {error}; build it first: make bench does", command.get_program().display())
        })?;
        Ok(Process(child))
    }

    pub(crate) async fn stop(self) -> Result<(), Failure> {
        drop(self.database);
        Ok(self.servers.stop().await?)
    }
}

/// A running process of a role.
pub(crate) struct Process(Child);

impl Process {
    pub(crate) fn id(&self) -> u32 {
        self.0.id()
    }

    /// The memory that it holds, in kB.
    pub(crate) fn memory(&self) -> Result<u64, Failure> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.0.id()))?;
        let held = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        Ok(held.and_then(|held| held.split_whitespace().next()).ok_or("no VmRSS")?.parse()?)
    }

    /// The CPU seconds that it took so far.
    pub(crate) fn cpu(&self) -> Result<f64, Failure> {
        resource_usage::cpu_of(self.0.id())
    }

    /// Tells it to stop and waits.
    pub(crate) fn end(mut self) -> Result<(), Failure> {
        Command::new("kill").arg(self.0.id().to_string()).status()?;
        match self.0.wait()? {
            status if status.success() => Ok(()),
            status => Err(format!("a process ended with {status}").into()),
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It has ended already, or the benchmark has failed.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Waits until somebody listens there.
pub(crate) async fn answers(address: SocketAddr) -> Result<(), Failure> {
    let began = Instant::now();
    while tokio::net::TcpStream::connect(address).await.is_err() {
        if began.elapsed() > Duration::from_secs(60) {
            return Err(format!("nobody listens at {address}").into());
        }
        tokio::time::sleep(LOOK).await;
    }
    Ok(())
}

/// Writes everything to the disk that is on its way.
pub(crate) fn quiet() -> Result<(), Failure> {
    Command::new("sync").status()?;
    Ok(())
}
