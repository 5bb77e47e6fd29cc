//! Real servers for tests.
//!
//! The first test of a test binary that needs them starts one Redis and one Postgres. Each test gets its own
//! Postgres database, copied from a migrated template, and exclusive use of one logical Redis database until
//! it drops it. When the test process ends, in whatever way, the kernel terminates the servers, and a waiting
//! shell removes their directory.

use auction_local_servers::{LocalServerOptions, LocalServers};
use auction_postgres::migrate::migrate;
use auction_wire::PartitionCount;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;
use tokio_postgres::{Client, NoTls};

/// Number of partitions in test databases.
pub const PARTITIONS: u16 = 4;

/// Name of the migrated database that is copied for each test.
const TEMPLATE: &str = "migrated";

/// Number of logical databases of the test Redis.
const REDIS_DATABASES: usize = 16;

/// Shell script that reads until its parent ends and then removes the directory. It retries, because the
/// servers may still write to the directory.
const REMOVE_WHEN_OWNER_ENDS: &str =
    "cat; for i in 1 2 3 4 5 6 7 8 9 10; do rm -rf \"$1\" && [ ! -e \"$1\" ] && exit; sleep 1; done";

struct Running {
    servers: LocalServers,
    // Holds the write end of the pipe that the remover reads.
    _remover: std::process::Child,
}

fn running() -> &'static Running {
    static RUNNING: OnceLock<Running> = OnceLock::new();
    // A separate thread and runtime: the caller's runtime ends with its test.
    RUNNING.get_or_init(|| std::thread::spawn(start).join().expect("the servers start"))
}

fn start() -> Running {
    let directory = tempfile::Builder::new().prefix("auction-test-").tempdir().expect("a directory").keep();
    let mut remover = Command::new("/bin/sh");
    remover.args(["-c", REMOVE_WHEN_OWNER_ENDS, "sh"]).arg(&directory).process_group(0);
    remover.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    let remover = remover.spawn().expect("a shell");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let servers = runtime.block_on(async {
        let servers =
            LocalServers::start(LocalServerOptions::new(directory)).await.expect("the servers start");
        let admin = connect(servers.database_url()).await;
        admin.batch_execute(&format!("CREATE DATABASE {TEMPLATE}")).await.expect("a template");
        let url = database_url(servers.database_url(), TEMPLATE);
        migrate(&url, PartitionCount::new(PARTITIONS).unwrap()).await.expect("the template is migrated");
        servers
    });
    Running { servers, _remover: remover }
}

fn database_url(url: &str, name: &str) -> String {
    url.replacen(":///auction?", &format!(":///{name}?"), 1)
}

/// Opens a connection to a database, for direct access to its tables.
pub async fn connect(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.expect("Postgres answers");
    tokio::spawn(connection);
    client
}

/// Starts a Redis and a Postgres for the caller alone, to kill and to restart.
pub async fn own_servers() -> (LocalServers, tempfile::TempDir) {
    let directory = tempfile::Builder::new().prefix("auction-test-").tempdir().expect("a directory");
    let servers =
        LocalServers::start(LocalServerOptions::new(directory.path())).await.expect("the servers start");
    (servers, directory)
}

/// Creates a database with all tables, without rows. Returns its URL.
pub async fn database() -> String {
    static NEXT: tokio::sync::Mutex<u32> = tokio::sync::Mutex::const_new(0);
    let url = running().servers.database_url();
    let mut next = NEXT.lock().await;
    *next += 1;
    let name = format!("test_{next}");
    let admin = connect(url).await;
    admin.batch_execute(&format!("CREATE DATABASE {name} TEMPLATE {TEMPLATE}")).await.expect("a copy");
    database_url(url, &name)
}

/// Exclusive use of a logical Redis database, released on drop.
#[derive(Debug)]
pub struct TestRedis {
    number: usize,
    client: redis::Client,
}

static TAKEN: Mutex<[bool; REDIS_DATABASES]> = Mutex::new([false; REDIS_DATABASES]);

/// Reserves an empty Redis database. Waits while all of them are in use.
pub async fn redis() -> TestRedis {
    let url = running().servers.redis_url();
    let number = loop {
        match take() {
            Some(number) => break number,
            None => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    };
    let client = redis::Client::open(format!("{url}?db={number}")).expect("a valid Redis URL");
    let redis = TestRedis { number, client };
    redis.query::<()>(&mut redis::cmd("FLUSHDB")).await;
    redis
}

fn take() -> Option<usize> {
    let mut taken = TAKEN.lock().unwrap_or_else(PoisonError::into_inner);
    let number = taken.iter().position(|taken| !taken)?;
    taken[number] = true;
    Some(number)
}

impl TestRedis {
    pub fn url(&self) -> String {
        format!("{}?db={}", running().servers.redis_url(), self.number)
    }

    pub fn client(&self) -> redis::Client {
        self.client.clone()
    }

    /// Sends one command on a new connection.
    pub async fn query<T: redis::FromRedisValue>(&self, command: &mut redis::Cmd) -> T {
        let mut connection = self.client.get_multiplexed_async_connection().await.expect("Redis answers");
        command.query_async(&mut connection).await.expect("Redis runs the command")
    }
}

impl Drop for TestRedis {
    fn drop(&mut self) {
        TAKEN.lock().unwrap_or_else(PoisonError::into_inner)[self.number] = false;
    }
}

/// Waits until a condition holds. Panics with `what` if it does not hold within ten seconds.
pub async fn eventually<F: Future<Output = bool>>(what: &str, mut condition: impl FnMut() -> F) {
    let waited = tokio::time::timeout(Duration::from_secs(10), async {
        while !condition().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    assert!(waited.await.is_ok(), "timed out waiting until: {what}");
}
