//! Real servers for tests.
//!
//! One Redis and one Postgres are started for a test binary when its first test asks for them. Each test
//! gets a database of its own, copied from a migrated one, and a logical database of Redis that it has
//! for itself until it drops it. When the test process ends, in whatever way, the kernel tells the
//! servers to end, and a shell that waited for that removes their directory.

use auction_local_servers::{LocalServerOptions, LocalServers};
use auction_postgres::migrate::migrate;
use auction_wire::PartitionCount;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;
use tokio_postgres::{Client, NoTls};

/// How many partitions the databases of tests have.
pub const PARTITIONS: u16 = 4;

/// The one that is copied.
const TEMPLATE: &str = "migrated";

/// How many logical databases Redis has.
const REDIS_DATABASES: usize = 16;

/// Reads until the owner is gone, then removes the directory, which may still be written to.
const REMOVE_WHEN_OWNER_IS_GONE: &str =
    "cat; for i in 1 2 3 4 5 6 7 8 9 10; do rm -rf \"$1\" && [ ! -e \"$1\" ] && exit; sleep 1; done";

struct Running {
    servers: LocalServers,
    // Holds the write end of the pipe that the remover reads.
    _remover: std::process::Child,
}

fn running() -> &'static Running {
    static RUNNING: OnceLock<Running> = OnceLock::new();
    // A thread and a runtime of its own: the caller is inside one that ends with its test.
    RUNNING.get_or_init(|| std::thread::spawn(start).join().expect("the servers start"))
}

fn start() -> Running {
    let directory = tempfile::Builder::new().prefix("auction-test-").tempdir().expect("a directory").keep();
    let mut remover = Command::new("/bin/sh");
    remover.args(["-c", REMOVE_WHEN_OWNER_IS_GONE, "sh"]).arg(&directory).process_group(0);
    remover.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    let remover = remover.spawn().expect("a shell");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let servers = runtime.block_on(async {
        let servers =
            LocalServers::start(LocalServerOptions::new(directory)).await.expect("the servers start");
        let admin = connect(servers.database_url()).await;
        admin.batch_execute(&format!("CREATE DATABASE {TEMPLATE}")).await.expect("a template");
        let url = database_url(servers.database_url(), TEMPLATE);
        migrate(&url, PartitionCount::new(PARTITIONS).unwrap()).await.expect("it is migrated");
        servers
    });
    Running { servers, _remover: remover }
}

fn database_url(url: &str, name: &str) -> String {
    url.replacen(":///auction?", &format!(":///{name}?"), 1)
}

/// A connection to a database, for a look at its tables.
pub async fn connect(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.expect("Postgres answers");
    tokio::spawn(connection);
    client
}

/// A Redis and a Postgres of one's own, to kill and to start again.
pub async fn own_servers() -> (LocalServers, tempfile::TempDir) {
    let directory = tempfile::Builder::new().prefix("auction-test-").tempdir().expect("a directory");
    let servers =
        LocalServers::start(LocalServerOptions::new(directory.path())).await.expect("the servers start");
    (servers, directory)
}

/// A new database with all tables, and nothing in them. Returns its URL.
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

/// An empty logical database of Redis; given back when it is dropped.
#[derive(Debug)]
pub struct TestRedis {
    number: usize,
    client: redis::Client,
}

static TAKEN: Mutex<[bool; REDIS_DATABASES]> = Mutex::new([false; REDIS_DATABASES]);

/// An empty Redis. Waits when more tests run than there are databases.
pub async fn redis() -> TestRedis {
    let url = running().servers.redis_url();
    let number = loop {
        match take() {
            Some(number) => break number,
            None => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    };
    let client = redis::Client::open(format!("{url}?db={number}")).expect("a URL of Redis");
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
    /// Its URL, for a pool.
    pub fn url(&self) -> String {
        format!("{}?db={}", running().servers.redis_url(), self.number)
    }

    /// Makes connections to it.
    pub fn client(&self) -> redis::Client {
        self.client.clone()
    }

    /// Sends one command on a connection of its own.
    pub async fn query<T: redis::FromRedisValue>(&self, command: &mut redis::Cmd) -> T {
        let mut connection = self.client.get_multiplexed_async_connection().await.expect("Redis answers");
        command.query_async(&mut connection).await.expect("Redis does it")
    }
}

impl Drop for TestRedis {
    fn drop(&mut self) {
        TAKEN.lock().unwrap_or_else(PoisonError::into_inner)[self.number] = false;
    }
}

/// Waits until something is so; panics with `what` when it is not after ten seconds.
pub async fn eventually<F: Future<Output = bool>>(what: &str, mut is_so: impl FnMut() -> F) {
    let waited = tokio::time::timeout(Duration::from_secs(10), async {
        while !is_so().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    assert!(waited.await.is_ok(), "it did not come about: {what}");
}
