//! The servers, as all roles of a process share them.

use crate::settings::{Settings, SettingsError};
use crate::tasks::Tasks;
use auction_app::ports::Unavailable;
use auction_app::ports::durability::{Durability, InsufficientDurability};
use auction_postgres::PostgresStoreConnector;
use auction_postgres::migrate::{MigrateError, migrate};
use auction_redis::RedisServer;
use auction_wire::PartitionCount;
use deadpool_redis::{Manager, Pool, Runtime};
use redis::{AsyncConnectionConfig, Client};
use std::time::Duration;
use thiserror::Error;
use worker_runtime::Retry;
use worker_runtime::health::HealthHandle;
use worker_runtime::shutdown::ShutdownSignal;

/// How long a pooled request to Redis may take.
const DEADLINE: Duration = Duration::from_secs(5);

/// Where the servers are, and how they are connected to.
#[derive(Clone)]
pub struct Connections {
    /// For connections of one owner each.
    pub redis: RedisServer,
    /// For short requests.
    pub redis_pool: Pool,
    /// The event store.
    pub stores: PostgresStoreConnector,
    /// How many partitions there are.
    pub partitions: PartitionCount,
    /// By what both servers are judged.
    pub durability: Durability,
}

/// Why the servers cannot be used.
#[derive(Debug, Error)]
pub enum ConnectError {
    /// Where they are was not said.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The address of Redis makes no sense.
    #[error("redis_url: {0}")]
    RedisUrl(redis::RedisError),
    /// The address of Postgres makes no sense.
    #[error("database_url: {0}")]
    DatabaseUrl(auction_postgres::UrlError),
    /// The pool of connections could not be made.
    #[error("connections to redis: {0}")]
    Pool(#[from] deadpool_redis::BuildError),
    /// The database cannot be brought to the present schema.
    #[error(transparent)]
    Migrate(#[from] MigrateError),
    /// A server can lose what it acknowledged.
    #[error(transparent)]
    TooWeak(#[from] InsufficientDurability),
    /// It was time to stop before the servers answered.
    #[error("stopped while waiting for the servers")]
    Stopped,
}

impl Connections {
    /// Connects lazily; nothing is asked, neither now nor later: for commands of operators.
    pub fn new(settings: &Settings) -> Result<Connections, ConnectError> {
        let redis_url = settings.redis_url()?;
        let redis = Client::open(redis_url).map_err(ConnectError::RedisUrl)?;
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(DEADLINE))
            .set_response_timeout(Some(DEADLINE));
        let manager = Manager::new_with_config(redis_url, config).map_err(ConnectError::RedisUrl)?;
        let redis_pool = Pool::builder(manager)
            .max_size(settings.ingress.redis_connections.get())
            .wait_timeout(Some(DEADLINE))
            .create_timeout(Some(DEADLINE))
            .recycle_timeout(Some(DEADLINE))
            .runtime(Runtime::Tokio1)
            .build()?;
        let stores =
            PostgresStoreConnector::new(settings.database_url()?).map_err(ConnectError::DatabaseUrl)?;
        let durability = Durability::allowing(settings.allow_weak_durability.iter().copied());
        Ok(Connections {
            redis: redis.into(),
            redis_pool,
            stores,
            partitions: settings.partitions()?,
            durability,
        })
    }

    /// For a process that runs: both servers answer and keep what they acknowledge, now and on every
    /// connection to come, and the database has the present schema. Waits while they are away, and says so.
    pub async fn ready(
        settings: &Settings,
        health: &HealthHandle,
        mut stop: ShutdownSignal,
    ) -> Result<Connections, ConnectError> {
        let mut connections = Connections::new(settings)?;
        let durability = connections.durability.clone();
        connections.redis =
            RedisServer::durability_checked(connections.redis.client().clone(), durability.clone());
        connections.stores = connections.stores.checked(durability);
        let mut retry = Retry::default();
        loop {
            match connections.prepare(settings).await {
                Ok(()) => return Ok(connections),
                Err(ConnectError::Migrate(MigrateError::Unavailable(error))) => {
                    let wait = retry.next_wait();
                    health.set_waiting(&error, retry.attempts());
                    tracing::warn!(%error, ?wait, "waiting for the servers");
                    stop.sleep(wait).await;
                    if stop.requested() {
                        return Err(ConnectError::Stopped);
                    }
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Nothing is written to a server before both are known to be good enough.
    async fn prepare(&self, settings: &Settings) -> Result<(), ConnectError> {
        let redis = async { self.redis.connect(DEADLINE).await.map(drop) };
        let (redis, postgres): (Result<(), Unavailable>, _) = tokio::join!(redis, self.stores.check());
        if let Some(too_weak) = self.durability.violation() {
            return Err(too_weak.into());
        }
        redis.and(postgres).map_err(MigrateError::from)?;
        Ok(migrate(settings.database_url()?, self.partitions).await?)
    }

    /// Starts a task that fails when a server has become too weak under this process.
    pub(crate) fn watch_durability(&self, tasks: &mut Tasks, stop: &ShutdownSignal) {
        let (durability, mut stop) = (self.durability.clone(), stop.clone());
        tasks.spawn("durability", async move {
            tokio::select! {
                too_weak = durability.wait_for_violation() => Err(too_weak),
                () = stop.wait() => Ok(()),
            }
        });
    }
}
